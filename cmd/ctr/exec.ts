import { api } from "../../lib/client/api.ts";
import { findContainer, requireStatus } from "../../lib/client/containers.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "../../lib/client/detach-keys.ts";
import { type ExecRequest, execInBackground, execInForeground, makeExecProcess } from "../../lib/client/exec.ts";
import { findAttributes } from "../../lib/linux/terminal.ts";
import { UsageError } from "../usage-error.ts";
import { boundingSet } from "./container-request.ts";
import type { CtrContext } from "./context.ts";
import { fifoRoot } from "./places.ts";
import { notRun } from "./program-failure.ts";
import { readEnv } from "./run-flags.ts";
import { SignalRelay } from "./signal-relay.ts";

interface ExecFlags {
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly detach: boolean;
  readonly env: readonly string[];
  readonly envFile: string | undefined;
  readonly user: string | undefined;
  readonly workdir: string | undefined;
  readonly privileged: boolean;
  readonly detachKeys: string | undefined;
}

interface Wanted {
  readonly id: string;
  readonly args: readonly string[];
}

const STDIN = 0;

/** What `tsctr exec` does. Gives its exit status. */
export async function exec(context: CtrContext, wanted: Wanted, flags: ExecFlags): Promise<number> {
  const { interactive, tty, detach } = flags;
  if (tty && interactive && !detach && findAttributes(context.kernel, STDIN) === undefined) {
    throw new UsageError("--tty with --interactive needs a terminal: standard input is none");
  }
  return await execIn(context, wanted, flags).catch(notRun);
}

async function execIn(context: CtrContext, { id, args }: Wanted, flags: ExecFlags): Promise<number> {
  const { kernel } = context;
  const { user, workdir: workingDir, tty: terminal, privileged } = flags;
  const relay = flags.detach ? undefined : new SignalRelay();
  const client = await context.connect();
  const container = await findContainer(client, id);
  await requireStatus(client, container, { doing: "run a program in", statuses: ["running"] });
  const env = await readEnv(context, flags);
  const request: ExecRequest = {
    ...{ args, env, user, workingDir, terminal, privileged },
    bounding: boundingSet(kernel),
  };
  const process = await makeExecProcess(client, kernel, { container, request });
  const containerId = container.id;
  if (relay === undefined) {
    await context.print(`${await execInBackground(client, containerId, process)}\n`);
    return 0;
  }
  const end = await execInForeground(client, kernel, {
    ...{ containerId, process, hasInput: flags.interactive, fifoRoot: fifoRoot(context) },
    detachKeys: parseDetachKeys(flags.detachKeys ?? DEFAULT_DETACH_KEYS),
    onStart: (session, execId) => {
      const kill = (signal: number) => {
        client.call(api.tasks.kill, { containerId, execId, signal }).catch(() => undefined);
      };
      relay.connect(kill, () => session.resize());
    },
  });
  return end.kind === "exited" ? end.status : 0;
}
