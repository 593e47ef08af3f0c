import { ContainerError } from "../errors.ts";
import { parseKeyed } from "../linux/cgroup/parse-values.ts";
import type { CgroupStats } from "../linux/cgroup/stats.ts";
import { readStatsV1 } from "../linux/cgroup/stats-v1.ts";
import { readStatsV2 } from "../linux/cgroup/stats-v2.ts";
import { findText } from "../linux/files.ts";
import { statusOf } from "./container-status.ts";
import { type ContainerRecord, findRecord, readRecord } from "./container-store.ts";
import { controllerDirectories } from "./controllers.ts";
import type { RuntimeOptions } from "./options.ts";

/** What happens in a container. */
export type ContainerEvent =
  | { readonly type: "oom"; readonly id: string }
  | { readonly type: "stats"; readonly id: string; readonly stats: CgroupStats };

/** How long an out-of-memory kill, or the container's end, may go unnoticed. */
const WATCH_MS = 100;

/** What the container's cgroups have counted so far. @throws {ContainerError} not_found; failed_precondition */
export function readStats(options: RuntimeOptions, id: string): ContainerEvent {
  return statsEvent(options, readRunning(options, id));
}

/**
 * runc-events(8): statistics in every interval, and each out-of-memory kill when it is noticed; ends with the container.
 * @throws {ContainerError} not_found; failed_precondition for one that has stopped
 */
export async function* watchEvents(
  options: RuntimeOptions,
  id: string,
  intervalMs: number,
): AsyncGenerator<ContainerEvent, void> {
  const record = readRunning(options, id);
  const countOoms = oomCounter(options, record);
  let ooms = countOoms();
  let nextStats = performance.now() + intervalMs;
  for (;;) {
    // In this order: of a container that an out-of-memory kill has ended, the kill is told.
    const isOver = hasEnded(options, record);
    const seen = countOoms();
    if (seen > ooms) yield { type: "oom", id };
    ooms = seen;
    if (isOver) return;
    if (performance.now() >= nextStats) {
      yield statsEvent(options, record);
      nextStats += intervalMs;
      // A reader that is slow is not told of the past.
      if (nextStats < performance.now()) nextStats = performance.now() + intervalMs;
    }
    const delay = Math.max(0, Math.min(WATCH_MS, nextStats - performance.now()));
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}

function readRunning(options: RuntimeOptions, id: string): ContainerRecord {
  const record = readRecord(options, id);
  if (statusOf(options, record) !== "stopped") return record;
  throw new ContainerError("failed_precondition", `container with id ${id} is not running`);
}

/** Stopped, deleted, or replaced by another container of the same name. */
function hasEnded(options: RuntimeOptions, { id, init }: ContainerRecord): boolean {
  const record = findRecord(options, id);
  const isSame = record?.init?.pid === init?.pid && record?.init?.startTime === init?.startTime;
  return record === undefined || !isSame || statusOf(options, record) === "stopped";
}

function statsEvent({ kernel }: RuntimeOptions, { id, cgroups }: ContainerRecord): ContainerEvent {
  const [directory = ""] = cgroups.directories;
  const isV2 = cgroups.mode === "v2";
  const stats = isV2 ? readStatsV2(kernel, directory) : readStatsV1(kernel, controllerDirectories(kernel, cgroups));
  return { type: "stats", id, stats };
}

const GONE = ["ENOENT", "ENODEV", "EOPNOTSUPP"] as const;

/**
 * cgroups(7): memory.events of v2 and memory.oom_control of v1 count the kills in `oom_kill`. Where processes are not
 * killed (disableOOMKiller), `under_oom` says that they wait.
 */
function oomCounter({ kernel }: RuntimeOptions, { cgroups }: ContainerRecord): () => bigint {
  const isV2 = cgroups.mode === "v2";
  const directory = isV2 ? cgroups.directories[0] : controllerDirectories(kernel, cgroups).get("memory");
  const file = isV2 ? "memory.events" : "memory.oom_control";
  return () => {
    const counts = parseKeyed(findText(kernel, `${directory ?? ""}/${file}`, ...GONE) ?? "");
    return (
      (counts.get("oom_kill") ?? 0n) + (counts.get("oom_kill_disable") === 1n ? (counts.get("under_oom") ?? 0n) : 0n)
    );
  };
}
