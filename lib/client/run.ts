import type { Kernel } from "../linux/kernel.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import { type Created, type Creation, createContainer, createTask, removeContainer, unlessGone } from "./create.ts";
import { FifoPlace } from "./fifo-place.ts";
import { FifoEnds, makeFifos, removeFifos } from "./fifos.ts";
import { Session, type SessionEnd } from "./session.ts";
import { waitForExit } from "./wait.ts";

/** A container that the caller stays with. */
export interface ForegroundRun {
  readonly creation: Creation;
  /** Below it the FIFOs are made. */
  readonly fifoRoot: string;
  readonly hasInput: boolean;
  readonly terminal: boolean;
  readonly detachKeys: readonly number[];
  /** The container is removed when it has ended. */
  readonly isRemoved: boolean;
  /** The process runs: signals that the caller gets are for it. */
  readonly onStart: (session: Session) => void;
}

/** Makes a container, starts it, stays with it until its end or until the caller detaches. @throws {ContainerError} */
export async function runInForeground(client: Client, kernel: Kernel, run: ForegroundRun): Promise<SessionEnd> {
  const { creation, terminal, hasInput } = run;
  using place = new FifoPlace(kernel, run.fifoRoot);
  const created = await createContainer(client, kernel, creation);
  try {
    const stdio = makeFifos(kernel, place.directory, { hasInput, terminal });
    using ends = new FifoEnds(kernel, stdio);
    const end = await runTask(client, kernel, { run, created, stdio, ends, place });
    await created.released;
    if (end.kind === "detached") return end;
    removeFifos(kernel, stdio, run.fifoRoot);
    if (run.isRemoved) await removeAll(client, kernel, created);
    return end;
  } catch (error) {
    removeFifos(kernel, pathsIn(place.directory), run.fifoRoot);
    await Promise.all([created.released, clearContainer(client, kernel, created)]);
    throw error;
  }
}

interface TaskParts {
  readonly run: ForegroundRun;
  readonly created: Created;
  readonly stdio: ReturnType<typeof makeFifos>;
  readonly ends: FifoEnds;
  readonly place: FifoPlace;
}

async function runTask(client: Client, kernel: Kernel, parts: TaskParts): Promise<SessionEnd> {
  const { run, created, stdio, ends, place } = parts;
  const { terminal, detachKeys, isRemoved } = run;
  const containerId = created.id;
  await createTask(client, created, { stdio, terminal });
  place.settle();
  const process = { containerId, execId: "" };
  const session = new Session(client, kernel, { process, ends, terminal, detachKeys });
  session.open();
  try {
    const exit = waitForExit(client, process);
    // Its failure is told by whoever waits for the end.
    exit.catch(() => undefined);
    await client.call(api.tasks.start, { containerId }, {});
    session.begin();
    run.onStart(session);
    const end = await session.end(exit);
    if (end.kind === "exited") {
      const deleted = isRemoved ? client.call(api.tasks.delete, { containerId }, {}).catch(unlessGone) : undefined;
      await Promise.all([session.drain(), deleted]);
    }
    return end;
  } finally {
    session.close();
  }
}

function pathsIn(directory: string) {
  return { stdin: `${directory}/stdin`, stdout: `${directory}/stdout`, stderr: `${directory}/stderr` };
}

/** Volumes that have no name of their own go with the container that they were made for. */
async function removeAll(client: Client, kernel: Kernel, { id, snapshotter, volumes }: Created): Promise<void> {
  await removeContainer(client, { id, snapshotter, snapshotKey: id });
  const names = (volumes?.uses ?? []).flatMap(({ name, isAnonymous }) => (isAnonymous ? [name] : []));
  if (names.length === 0) return;
  const { pruneVolumes } = await import("./volumes/use.ts");
  await pruneVolumes(kernel, client, ({ name }) => names.includes(name));
}

const SIGKILL = 9;

/** After a failure: removes what was made of a container and its task, as far as that goes. */
export async function clearContainer(client: Client, kernel: Kernel, created: Created): Promise<void> {
  const containerId = created.id;
  const quiet = (call: Promise<unknown>) => call.catch(() => undefined);
  await quiet(client.call(api.tasks.kill, { containerId, signal: SIGKILL, all: true }));
  await quiet(client.call(api.tasks.wait, { containerId }));
  await quiet(client.call(api.tasks.delete, { containerId }));
  await quiet(removeAll(client, kernel, created));
}
