import { api } from "../../lib/client/api.ts";
import type { Client } from "../../lib/client/client.ts";
import { findContainer, findTask, requireStatus } from "../../lib/client/containers.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "../../lib/client/detach-keys.ts";
import { FifoEnds, INPUT_LABEL } from "../../lib/client/fifos.ts";
import { findLogPath } from "../../lib/client/logs/place.ts";
import { Session } from "../../lib/client/session.ts";
import { startAgain, withLog } from "../../lib/client/start.ts";
import type { Container, Process } from "../../lib/client/tasks.ts";
import { waitForExit } from "../../lib/client/wait.ts";
import { isFifo } from "../../lib/linux/fifo.ts";
import { AdvisedError } from "./advice.ts";
import type { CtrContext } from "./context.ts";
import { LogFollower } from "./log-output.ts";
import { notRun } from "./program-failure.ts";
import { SignalRelay } from "./signal-relay.ts";

interface AttachFlags {
  readonly noStdin: boolean;
  readonly detachKeys: string | undefined;
}

/** What `tsctr attach` does. Gives its exit status. */
export async function attach(context: CtrContext, given: string, flags: AttachFlags): Promise<number> {
  return await attachToRunning(context, given, flags).catch(notRun);
}

async function attachToRunning(context: CtrContext, given: string, flags: AttachFlags): Promise<number> {
  const relay = new SignalRelay();
  const client = await context.connect();
  const container = await findContainer(client, given);
  const task = await requireStatus(client, container, { doing: "attach to", statuses: ["running", "paused"] });
  const path = isFifo(context.kernel, task.stdout) ? undefined : findLogPath(container, task);
  using log = path === undefined ? undefined : new LogFollower(context, path, { isScreen: task.terminal });
  return await stay(context, client, { container, task, log, relay, flags });
}

/** What `tsctr start --attach` does. Gives its exit status. */
export async function startAttached(context: CtrContext, given: string, flags: AttachFlags): Promise<number> {
  return await startAndStay(context, given, flags).catch(notRun);
}

async function startAndStay(context: CtrContext, given: string, flags: AttachFlags): Promise<number> {
  const relay = new SignalRelay();
  const client = await context.connect();
  const container = await withLog(client, await findContainer(client, given));
  const path = findLogPath(container, undefined);
  // Before the start: nothing that is written is missed.
  using log = path === undefined ? undefined : new LogFollower(context, path, { isScreen: false });
  await startAgain(client, context.kernel, container);
  const task = await findTask(client, container.id);
  if (task === undefined) throw new AdvisedError("aborted", `${container.id} is gone`, { advice: "tsctr ps -a" });
  return await stay(context, client, { container, task, log, relay, flags });
}

interface Stay {
  readonly container: Container;
  readonly task: Process;
  /** Undefined when its outputs are FIFOs. */
  readonly log: LogFollower | undefined;
  readonly relay: SignalRelay;
  readonly flags: AttachFlags;
}

/** Stays with a process until its end, or until the caller leaves. Gives the exit status. */
async function stay(
  context: CtrContext,
  client: Client,
  { container, task, log, relay, flags }: Stay,
): Promise<number> {
  const containerId = container.id;
  using ends = openEnds(context, task, { noStdin: flags.noStdin, hasLog: log !== undefined });
  const process = { containerId, execId: "" };
  const session = new Session(client, context.kernel, {
    ...{ process, ends, terminal: task.terminal, keepsInput: container.labels[INPUT_LABEL] !== undefined },
    isJoined: true,
    detachKeys: parseDetachKeys(flags.detachKeys ?? DEFAULT_DETACH_KEYS),
  });
  try {
    session.open();
    session.begin();
    const kill = (signal: number) => {
      client.call(api.tasks.kill, { containerId, signal }).catch(() => undefined);
    };
    relay.connect(kill, () => session.resize());
    const end = await session.end(waitForExit(client, process));
    await log?.end();
    if (end.kind === "detached") return 0;
    await session.drain();
    return end.status;
  } finally {
    session.close();
  }
}

/** @throws {AdvisedError} when the outputs are neither FIFOs nor a log */
function openEnds(
  { kernel }: CtrContext,
  { id, stdin, stdout, stderr }: Process,
  { noStdin, hasLog }: { readonly noStdin: boolean; readonly hasLog: boolean },
): FifoEnds {
  const input = noStdin || !isFifo(kernel, stdin) ? "" : stdin;
  if (hasLog) return new FifoEnds(kernel, { stdin: input, stdout: "", stderr: "" });
  if (stdout === "" || !isFifo(kernel, stdout)) {
    const why = stdout === "" ? "its output goes nowhere" : `its output goes to ${stdout}`;
    const advice = `tsctr exec -it ${id} sh goes into it`;
    throw new AdvisedError("failed_precondition", `cannot attach to ${id}: ${why}`, { advice });
  }
  const paths = { stdin: input, stdout, stderr: stderr !== "" && isFifo(kernel, stderr) ? stderr : "" };
  const ends = new FifoEnds(kernel, paths);
  if (ends.isAlone) return ends;
  ends[Symbol.dispose]();
  throw new AdvisedError("failed_precondition", `cannot attach to ${id}: another tsctr shows what it writes`, {
    advice: `leave it there first (ctrl-p,ctrl-q), or go into it by tsctr exec -it ${id} sh`,
  });
}
