import { containerd } from "../../../proto/gen/daemon.js";
import type { Input } from "../../../proto/gen/types.d.ts";
import { ContainerError } from "../../errors.ts";
import { compileFilters } from "../filter/match.ts";
import { toTimestamp } from "../messages.ts";
import type { ProcessState } from "./shim.ts";
import type { Task } from "./task-manager.ts";

type Process = Input<containerd.v1.types.Process>;
type Metric = Input<containerd.types.Metric>;

const { Status } = containerd.v1.types;

/** A process as clients see it. */
export function processOf(
  state: ProcessState,
  { containerId, execId }: { readonly containerId: string; readonly execId: string },
): Process {
  const { pid, status, stdin, stdout, stderr, terminal, exitStatus, exitedAt } = state;
  const id = execId === "" ? containerId : execId;
  return { containerId, id, pid, status, stdin, stdout, stderr, terminal, exitStatus, exitedAt };
}

/**
 * All tasks, asked side by side, as far as they have to be asked: a shim whose process is as it was is left asleep. One that
 * hangs costs its own answer.
 */
export async function listProcesses(tasks: readonly Task[]): Promise<readonly Process[]> {
  const found = await Promise.all(tasks.map(findProcess));
  return found.filter((process) => process !== undefined);
}

async function findProcess({ bundle: { id }, shim, pid, process, isOurs }: Task): Promise<Process | undefined> {
  try {
    // What becomes of the process of another shim is not for us to know.
    const state = isOurs ? await shim.knownState((each) => process.isAlive(each)) : await shim.state("");
    return processOf(state, { containerId: id, execId: "" });
  } catch (error) {
    // It was removed meanwhile.
    if (error instanceof ContainerError && error.code === "not_found") return undefined;
    return { containerId: id, id, pid, status: Status.UNKNOWN };
  }
}

const NS_PER_MS = 1_000_000n;

/** What the tasks that match use. @throws {ContainerError} invalid_argument */
export async function listMetrics(tasks: readonly Task[], filters: readonly string[]): Promise<readonly Metric[]> {
  const matches = compileFilters<Task>(filters, ({ bundle }, path) => {
    if (path[0] === "id") return bundle.id;
    return path[0] === "namespace" ? bundle.namespace : undefined;
  });
  const found = await Promise.all(tasks.filter(matches).map(findMetric));
  return found.filter((metric) => metric !== undefined);
}

async function findMetric({ bundle: { id }, shim }: Task): Promise<Metric | undefined> {
  try {
    const { stats } = await shim.stats();
    return { id, timestamp: toTimestamp(BigInt(Date.now()) * NS_PER_MS), data: stats };
  } catch (error) {
    // It has ended, or is gone: there is nothing to measure.
    if (error instanceof ContainerError) return undefined;
    throw error;
  }
}
