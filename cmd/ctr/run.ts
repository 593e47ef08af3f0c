import { api } from "../../lib/client/api.ts";
import type { Client } from "../../lib/client/client.ts";
import { createContainer } from "../../lib/client/create.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "../../lib/client/detach-keys.ts";
import { NO_IMAGE } from "../../lib/client/image.ts";
import { defaultLogUri, LOG_LABEL } from "../../lib/client/logs/place.ts";
import { clearContainer, runInForeground } from "../../lib/client/run.ts";
import { startInBackground } from "../../lib/client/start.ts";
import { ContainerError } from "../../lib/errors.ts";
import { findAttributes } from "../../lib/linux/terminal.ts";
import { UsageError } from "../usage-error.ts";
import { AdvisedError } from "./advice.ts";
import { checkNetwork, noNetworks, randomId, toCreation, wantsNetwork } from "./container-request.ts";
import type { CtrContext } from "./context.ts";
import { fifoRoot } from "./places.ts";
import { notRun } from "./program-failure.ts";
import type { ContainerFlags } from "./run-flags.ts";
import { SignalRelay } from "./signal-relay.ts";

interface RunFlags extends ContainerFlags {
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly detach: boolean;
  readonly rm: boolean;
  readonly detachKeys: string | undefined;
  readonly pull: "missing" | "always" | "never";
}

interface Wanted {
  readonly image: string;
  readonly command: readonly string[];
}

const STDIN = 0;

/** What `tsctr run` does. Gives its exit status. */
export async function run(context: CtrContext, wanted: Wanted, flags: RunFlags): Promise<number> {
  checkTogether(context, flags);
  try {
    checkNetwork(flags);
    const client = await context.connect();
    if (wantsNetwork(flags) && !(await isTsrund(client))) throw noNetworks(context.address);
    const start = flags.detach ? inBackground : inForeground;
    if (flags.pull === "always") await pull(context, client, wanted.image, flags);
    return await start(context, client, wanted, flags).catch(async (error) => {
      if (flags.pull !== "missing" || !isMissing(error)) throw advised(error);
      await pull(context, client, wanted.image, flags);
      return await start(context, client, wanted, flags);
    });
  } catch (error) {
    return notRun(error);
  }
}

function checkTogether({ kernel }: CtrContext, { interactive, tty, detach, rm, restart }: RunFlags): void {
  if (detach && rm)
    throw new UsageError("--detach and --rm do not go together: nobody is there to remove the container");
  if (rm && restart !== undefined && restart !== "no") throw new UsageError("--rm and --restart do not go together");
  if (tty && interactive && !detach && findAttributes(kernel, STDIN) === undefined) {
    throw new UsageError("--tty with --interactive needs a terminal: standard input is none");
  }
}

/** tsrund's metadata are SQLite's; no other daemon's are. */
async function isTsrund(client: Client): Promise<boolean> {
  const filters = ["type==io.containerd.metadata.v1,id==sqlite"];
  return (await client.call(api.introspection.plugins, { filters })).plugins.length > 0;
}

async function inForeground(context: CtrContext, client: Client, wanted: Wanted, flags: RunFlags): Promise<number> {
  const { interactive, tty, rm } = flags;
  const relay = new SignalRelay();
  const creation = await toCreation(context, flags, { ...wanted, terminal: tty, labels: {} });
  const end = await runInForeground(client, context.kernel, {
    ...{ creation, hasInput: interactive, terminal: tty, isRemoved: rm, fifoRoot: fifoRoot(context) },
    detachKeys: parseDetachKeys(flags.detachKeys ?? DEFAULT_DETACH_KEYS),
    onStart: (session) => {
      const kill = (signal: number) => {
        client.call(api.tasks.kill, { containerId: creation.id, signal }).catch(() => undefined);
      };
      relay.connect(kill, () => session.resize());
    },
  });
  if (end.kind === "exited") return end.status;
  context.warn(`detached from ${creation.id}: tsctr attach ${creation.id} comes back to it`);
  return 0;
}

async function inBackground(context: CtrContext, client: Client, wanted: Wanted, flags: RunFlags): Promise<number> {
  const { tty } = flags;
  const id = flags.name ?? randomId();
  const uri = defaultLogUri(context.namespace, id);
  const labels = { [LOG_LABEL]: uri, ...(flags.restart === undefined ? {} : { "containerd.io/restart.loguri": uri }) };
  const creation = await toCreation(context, { ...flags, name: id }, { ...wanted, terminal: tty, labels });
  const created = await createContainer(client, context.kernel, creation);
  try {
    await startInBackground(client, { id, mounts: created.mounts, log: uri, terminal: tty });
  } catch (error) {
    await clearContainer(client, context.kernel, creation);
    throw error;
  } finally {
    await created.released;
  }
  await context.print(`${id}\n`);
  return 0;
}

/** Brings an image from its registry; how far it is goes to standard error. */
async function pull(context: CtrContext, client: Client, image: string, flags: RunFlags): Promise<void> {
  const { pullForRun } = await import("./pull-for-run.ts");
  await pullForRun(context, client, { image, snapshotter: flags.snapshotter });
}

/** Nothing has been made when this is said. */
function isMissing(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "not_found" && error.message.startsWith(NO_IMAGE);
}

/** Says what to do about an image that is not there. */
function advised(error: unknown): unknown {
  if (!(error instanceof ContainerError) || !isMissing(error)) return error;
  const advice = "tsctr images lists those there are; tsctr pull fetches one, tsctr import reads one from a file";
  return new AdvisedError("not_found", error.message, { advice });
}
