import { api } from "../../lib/client/api.ts";
import { findContainer, requireStatus } from "../../lib/client/containers.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "../../lib/client/detach-keys.ts";
import { FifoEnds } from "../../lib/client/fifos.ts";
import { Session } from "../../lib/client/session.ts";
import type { Process } from "../../lib/client/tasks.ts";
import { waitForExit } from "../../lib/client/wait.ts";
import { isFifo } from "../../lib/linux/fifo.ts";
import { AdvisedError } from "./advice.ts";
import type { CtrContext } from "./context.ts";
import { notRun } from "./program-failure.ts";
import { SignalRelay } from "./signal-relay.ts";

interface AttachFlags {
  readonly noStdin: boolean;
  readonly detachKeys: string | undefined;
}

/** What `tsctr attach` does. Gives its exit status. */
export async function attach(context: CtrContext, given: string, flags: AttachFlags): Promise<number> {
  return await attachTo(context, given, flags).catch(notRun);
}

async function attachTo(context: CtrContext, given: string, flags: AttachFlags): Promise<number> {
  const { kernel } = context;
  const relay = new SignalRelay();
  const client = await context.connect();
  const container = await findContainer(client, given);
  const containerId = container.id;
  const task = await requireStatus(client, container, { doing: "attach to", statuses: ["running", "paused"] });
  using ends = openEnds(context, task, flags.noStdin);
  const detachKeys = parseDetachKeys(flags.detachKeys ?? DEFAULT_DETACH_KEYS);
  const process = { containerId, execId: "" };
  const session = new Session(client, kernel, { process, ends, terminal: task.terminal, detachKeys });
  try {
    session.open();
    session.begin();
    const kill = (signal: number) => {
      client.call(api.tasks.kill, { containerId, signal }).catch(() => undefined);
    };
    relay.connect(kill, () => session.resize());
    const end = await session.end(waitForExit(client, process));
    if (end.kind === "detached") return 0;
    await session.drain();
    return end.status;
  } finally {
    session.close();
  }
}

/** @throws {AdvisedError} when the streams are no FIFOs */
function openEnds({ kernel }: CtrContext, task: Process, noStdin: boolean): FifoEnds {
  const { stdin, stdout, stderr } = task;
  if (stdout === "" || !isFifo(kernel, stdout)) {
    const advice = `tsctr logs --follow ${task.id} shows what it writes; tsctr exec -it ${task.id} sh goes into it`;
    const why = stdout === "" ? "its output goes nowhere" : `its output goes to ${stdout}`;
    throw new AdvisedError("failed_precondition", `cannot attach to ${task.id}: ${why}`, { advice });
  }
  const input = noStdin || !isFifo(kernel, stdin) ? "" : stdin;
  return new FifoEnds(kernel, { stdin: input, stdout, stderr: stderr !== "" && isFifo(kernel, stderr) ? stderr : "" });
}
