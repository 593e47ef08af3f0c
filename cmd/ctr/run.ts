import { api } from "../../lib/client/api.ts";
import type { Client } from "../../lib/client/client.ts";
import { createContainer, REMOVAL_LABEL } from "../../lib/client/create.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "../../lib/client/detach-keys.ts";
import { INPUT_LABEL, removeFifos } from "../../lib/client/fifos.ts";
import { NO_IMAGE } from "../../lib/client/image.ts";
import { defaultLogUri, LOG_LABEL, RESTART_LOG_LABEL } from "../../lib/client/logs/place.ts";
import { clearContainer, runInForeground } from "../../lib/client/run.ts";
import { startInBackground } from "../../lib/client/start.ts";
import { RESTART_LABEL } from "../../lib/client/stop.ts";
import { ContainerError } from "../../lib/errors.ts";
import { findAttributes } from "../../lib/linux/terminal.ts";
import { UsageError } from "../usage-error.ts";
import { AdvisedError } from "./advice.ts";
import { platformOf, randomId, toCreation } from "./container-request.ts";
import type { CtrContext } from "./context.ts";
import { checkNetwork, noNetworks, wantsNetwork } from "./network-flags.ts";
import { fifoRoot } from "./places.ts";
import { notRun } from "./program-failure.ts";
import { type ContainerFlags, parseLogOptions } from "./run-flags.ts";
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
  return await make(context, wanted, flags, flags.detach ? inBackground : inForeground);
}

/** What `tsctr create` does. Gives its exit status. */
export async function create(
  context: CtrContext,
  wanted: Wanted,
  flags: Omit<RunFlags, "detach" | "rm" | "detachKeys">,
): Promise<number> {
  return await make(context, wanted, { ...flags, detach: true, rm: false, detachKeys: undefined }, withoutTask);
}

type Start = (context: CtrContext, client: Client, wanted: Wanted, flags: RunFlags) => Promise<number>;

/** Does something with an image, which is pulled if that is wanted. Gives the exit status. */
async function make(context: CtrContext, wanted: Wanted, given: RunFlags, start: Start): Promise<number> {
  const flags = { ...given, net: given.network ?? given.net };
  try {
    checkNetwork(flags);
    parseLogOptions(flags.logOpt);
    const client = await context.connect();
    await checkDaemon(context, client, flags);
    if (flags.pull === "always") await pull(context, client, wanted.image, flags);
    if (flags.cidfile === undefined) return await startOrPull(context, client, wanted, flags, start);
    const named = { ...flags, name: flags.name ?? randomId() };
    const { withIdFile } = await import("./id-file.ts");
    const startNamed = () => startOrPull(context, client, wanted, named, start);
    return await withIdFile(context, { file: flags.cidfile, id: named.name }, startNamed);
  } catch (error) {
    return notRun(error);
  }
}

async function startOrPull(
  ...[context, client, wanted, flags, start]: [...Parameters<Start>, start: Start]
): Promise<number> {
  return await start(context, client, wanted, flags).catch(async (error) => {
    if (flags.pull !== "missing" || !isMissing(error)) throw advised(error);
    await pull(context, client, wanted.image, flags);
    return await start(context, client, wanted, flags);
  });
}

/** What only tsrund does is asked of nobody else. @throws {AdvisedError} */
async function checkDaemon({ address }: CtrContext, client: Client, flags: RunFlags): Promise<void> {
  const isLeft = flags.detach && flags.rm;
  if (!isLeft && !wantsNetwork(flags)) return;
  const { isTsrund } = await import("../../lib/client/removal.ts");
  if (await isTsrund(client)) return;
  throw isLeft ? noRemoval(address) : noNetworks(address);
}

/** What a daemon is told that has nobody to remove a container. */
function noRemoval(address: string): AdvisedError {
  const why = `the daemon at ${address} removes no containers, which --detach with --rm needs`;
  const advice = "leave --rm out, and remove it by tsctr rm; or use tsrund, which does that";
  return new AdvisedError("unimplemented", why, { advice });
}

function checkTogether({ kernel }: CtrContext, { interactive, tty, detach, rm, restart }: RunFlags): void {
  if (rm && restart !== undefined && restart !== "no") throw new UsageError("--rm and --restart do not go together");
  if (tty && interactive && !detach && findAttributes(kernel, STDIN) === undefined) {
    throw new UsageError("--tty with --interactive needs a terminal: standard input is none");
  }
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
  if (rm) await leaveRemoval(context, client, creation.id);
  return 0;
}

/** Nobody of ours is there any more at the end of the container. */
async function leaveRemoval(context: CtrContext, client: Client, id: string): Promise<void> {
  const { isTsrund, removeAtItsEnd } = await import("../../lib/client/removal.ts");
  if (!(await isTsrund(client))) {
    context.warn(`${id} stays when it has ended: tsctr rm ${id} removes it`);
    return;
  }
  const { getContainer } = await import("../../lib/client/containers.ts");
  const container = await getContainer(client, id);
  await removeAtItsEnd(client, context.kernel, { container, fifoRoot: fifoRoot(context) });
}

async function inBackground(context: CtrContext, client: Client, wanted: Wanted, flags: RunFlags): Promise<number> {
  const { kernel } = context;
  const { creation, log, input } = await backgroundCreation(context, wanted, flags);
  const { id } = creation;
  const created = await createContainer(client, kernel, creation);
  try {
    const isRestarted = creation.labels[RESTART_LABEL] !== undefined;
    await startInBackground(client, kernel, {
      id,
      mounts: created.mounts,
      log,
      input,
      terminal: flags.tty,
      isRestarted,
    });
  } catch (error) {
    await clearContainer(client, kernel, created);
    removeFifos(kernel, { stdin: input, stdout: "", stderr: "" }, fifoRoot(context));
    throw error;
  } finally {
    await created.released;
  }
  await context.print(`${id}\n`);
  return 0;
}

/** For `tsctr create`: what `start` makes a task of later. */
async function withoutTask(context: CtrContext, client: Client, wanted: Wanted, flags: RunFlags): Promise<number> {
  const { creation } = await backgroundCreation(context, wanted, flags);
  const { released } = await createContainer(client, context.kernel, creation);
  await released;
  await context.print(`${creation.id}\n`);
  return 0;
}

/** A container that nobody stays with: its labels say where its streams are. */
async function backgroundCreation(context: CtrContext, wanted: Wanted, flags: RunFlags) {
  const { tty: terminal, interactive, restart } = flags;
  const id = flags.name ?? randomId();
  const log = defaultLogUri(context.namespace, id, parseLogOptions(flags.logOpt));
  const input = interactive ? `${fifoRoot(context)}/${crypto.randomUUID()}/stdin` : "";
  const labels = {
    [LOG_LABEL]: log,
    ...(interactive ? { [INPUT_LABEL]: input } : {}),
    ...(flags.rm ? { [REMOVAL_LABEL]: "true" } : {}),
    ...(restart === undefined ? {} : { [RESTART_LOG_LABEL]: log }),
  };
  const creation = await toCreation(context, { ...flags, name: id }, { ...wanted, terminal, labels });
  return { creation, log, input };
}

/** Brings an image from its registry; how far it is goes to standard error. */
async function pull(context: CtrContext, client: Client, image: string, flags: RunFlags): Promise<void> {
  const { pullForRun } = await import("./pull-for-run.ts");
  const platform = flags.platform === undefined ? undefined : await platformOf(flags.platform);
  await pullForRun(context, client, { image, snapshotter: flags.snapshotter, platform });
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
