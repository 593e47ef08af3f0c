import { ContainerError } from "../errors.ts";
import type { Kernel } from "../linux/kernel.ts";
import { findLayeredText, layersOf } from "../linux/layered-files.ts";
import type { Process } from "../spec/config.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import { unlessGone } from "./create.ts";
import { FifoPlace } from "./fifo-place.ts";
import { FifoEnds, makeFifos, removeFifos } from "./fifos.ts";
import { Session, type SessionEnd } from "./session.ts";
import { chooseCapabilities } from "./spec/capabilities.ts";
import { readSpec } from "./spec/read-spec.ts";
import { resolveUser } from "./spec/user.ts";
import type { Container } from "./tasks.ts";
import { waitForExit } from "./wait.ts";

const PROCESS_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Process";

/** What one more process of a container is like; what is left out it has as the first one. */
export interface ExecRequest {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly user: string | undefined;
  readonly workingDir: string | undefined;
  readonly terminal: boolean;
  readonly privileged: boolean;
  readonly bounding: bigint;
}

/** The process as the runtime takes it. @throws {ContainerError} */
export async function makeExecProcess(
  client: Client,
  kernel: Kernel,
  { container, request }: { readonly container: Container; readonly request: ExecRequest },
): Promise<Process> {
  const first = readSpec(container)?.process;
  if (first === undefined) throw new ContainerError("failed_precondition", `container ${container.id} has no process`);
  const { args, terminal, privileged, bounding } = request;
  const user =
    request.user === undefined ? first.user : await lookUp(client, kernel, { container, wanted: request.user });
  const all = chooseCapabilities({ add: [], drop: [], privileged: true, bounding });
  return {
    ...first,
    ...{ args, terminal, cwd: request.workingDir ?? first.cwd },
    ...(user === undefined ? {} : { user }),
    env: mergeEnv([...(first.env ?? []), ...(terminal ? ["TERM=xterm"] : []), ...request.env]),
    ...(privileged ? { capabilities: { bounding: all, effective: all, permitted: all }, noNewPrivileges: false } : {}),
  };
}

/** The last value of each name, where the name was first. */
function mergeEnv(env: readonly string[]): readonly string[] {
  return [...new Map(env.map((entry) => [entry.split("=", 1)[0] ?? "", entry])).values()];
}

async function lookUp(
  client: Client,
  kernel: Kernel,
  { container, wanted }: { readonly container: Container; readonly wanted: string },
) {
  const { snapshotter, snapshotKey } = container;
  const { mounts } = await client.call(api.snapshots.mounts, { snapshotter, key: snapshotKey });
  const layers = layersOf(mounts) ?? [];
  const text = (path: string) => findLayeredText(kernel, layers, path);
  return resolveUser(wanted, { passwd: text("/etc/passwd"), group: text("/etc/group") });
}

/** A process that is added to a running container. */
export interface ForegroundExec {
  readonly containerId: string;
  readonly process: Process;
  readonly fifoRoot: string;
  readonly hasInput: boolean;
  readonly detachKeys: readonly number[];
  readonly onStart: (session: Session, execId: string) => void;
}

/** Runs one more process, stays with it until its end or until the caller detaches. @throws {ContainerError} */
export async function execInForeground(client: Client, kernel: Kernel, exec: ForegroundExec): Promise<SessionEnd> {
  const { containerId, hasInput, detachKeys } = exec;
  const terminal = exec.process.terminal ?? false;
  const execId = newExecId();
  // Nobody comes back to an exec: it is the client's to its end.
  using place = new FifoPlace(kernel, exec.fifoRoot);
  const stdio = makeFifos(kernel, place.directory, { hasInput, terminal });
  using ends = new FifoEnds(kernel, stdio);
  const session = new Session(client, kernel, { process: { containerId, execId }, ends, terminal, detachKeys });
  try {
    await client.call(api.tasks.exec, { containerId, execId, ...stdio, terminal, spec: encode(exec.process) }, {});
    const exit = waitForExit(client, { containerId, execId });
    // Its failure is told by whoever waits for the end.
    exit.catch(() => undefined);
    await client.call(api.tasks.start, { containerId, execId }, {});
    session.open();
    session.begin();
    exec.onStart(session, execId);
    const end = await session.end(exit);
    if (end.kind === "detached") return end;
    const deleted = client.call(api.tasks.deleteProcess, { containerId, execId }, {}).catch(unlessGone);
    await Promise.all([session.drain(), deleted]);
    removeFifos(kernel, stdio, exec.fifoRoot);
    return end;
  } catch (error) {
    await client.call(api.tasks.deleteProcess, { containerId, execId }).catch(() => undefined);
    removeFifos(kernel, stdio, exec.fifoRoot);
    throw error;
  } finally {
    session.close();
  }
}

/** Adds a process that nobody stays with. Gives its pid. @throws {ContainerError} */
export async function execInBackground(client: Client, containerId: string, process: Process): Promise<number> {
  const execId = newExecId();
  const streams = { stdin: "", stdout: "", stderr: "" };
  const terminal = process.terminal ?? false;
  await client.call(api.tasks.exec, { containerId, execId, ...streams, terminal, spec: encode(process) }, {});
  try {
    return (await client.call(api.tasks.start, { containerId, execId }, {})).pid;
  } catch (error) {
    await client.call(api.tasks.deleteProcess, { containerId, execId }).catch(() => undefined);
    throw error;
  }
}

const ID_DIGITS = 16;

function newExecId(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, ID_DIGITS);
}

function encode(process: Process) {
  return { typeUrl: PROCESS_TYPE, value: new TextEncoder().encode(JSON.stringify(process)) };
}
