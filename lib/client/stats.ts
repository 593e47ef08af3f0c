import { io } from "../../proto/gen/metrics.js";
import type { Int64 } from "../../proto/gen/types.d.ts";
import type { Kernel } from "../linux/kernel.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import { findNetworkUsage, type NetworkUsage } from "./network-usage.ts";

/** What a container has used, at one moment. */
export interface Usage {
  readonly id: string;
  /** Processor time since its start, in nanoseconds. */
  readonly cpuNs: number;
  readonly memoryBytes: number;
  /** Undefined: no limit. */
  readonly memoryLimitBytes: number | undefined;
  readonly pids: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Undefined for the network of the host. */
  readonly network: NetworkUsage | undefined;
}

/** What the daemon tells. */
type CgroupUsage = Omit<Usage, "network">;

/** The use of a container, and how much of the processors it had since it was looked at before: 1 is one of them. */
export interface Sample extends Usage {
  /** Undefined the first time. */
  readonly cpus: number | undefined;
}

/** What containers use now; those that do not run are left out. None named: all. */
export async function readUsage(client: Client, kernel: Kernel, ids: readonly string[]): Promise<readonly Usage[]> {
  const filters = ids.map((id) => `id==${JSON.stringify(id)}`);
  const [{ metrics }, { tasks }] = await Promise.all([
    client.call(api.tasks.metrics, { filters }),
    client.call(api.tasks.list, {}),
  ]);
  const pids = new Map(tasks.map(({ id, pid }) => [id, pid]));
  const networkOf = (id: string) => findNetworkUsage(kernel, pids.get(id) ?? 0);
  return metrics
    .flatMap(({ id, data }) => (data === null ? [] : (decode(id, data) ?? [])))
    .map((usage) => ({ ...usage, network: networkOf(usage.id) }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Puts two looks together. */
export function compareUsage(
  now: readonly Usage[],
  before: ReadonlyMap<string, Usage>,
  elapsedMs: number,
): readonly Sample[] {
  return now.map((usage) => {
    const earlier = before.get(usage.id);
    // A container that was started again begins at 0.
    const isKnown = earlier !== undefined && earlier.cpuNs <= usage.cpuNs && elapsedMs > 0;
    return { ...usage, cpus: isKnown ? (usage.cpuNs - earlier.cpuNs) / (elapsedMs * 1e6) : undefined };
  });
}

function decode(id: string, { typeUrl, value }: { readonly typeUrl: string; readonly value: Uint8Array }) {
  if (typeUrl === "io.containerd.cgroups.v2.Metrics") return fromV2(id, io.containerd.cgroups.v2.Metrics.decode(value));
  if (typeUrl === "io.containerd.cgroups.v1.Metrics") return fromV1(id, io.containerd.cgroups.v1.Metrics.decode(value));
  return undefined;
}

/** A limit that the machine could not reach: 2^63 in whole pages on v1, 2^64-1 on v2. */
const NO_LIMIT = 2 ** 62;

function limitOf(value: Int64 | undefined): number | undefined {
  const bytes = Number(value ?? 0);
  return bytes === 0 || bytes >= NO_LIMIT ? undefined : bytes;
}

function fromV1(id: string, { cpu, memory, pids, blkio }: io.containerd.cgroups.v1.Metrics): CgroupUsage {
  const used = Number(memory?.usage?.usage ?? 0);
  const bytes = (wanted: string) =>
    (blkio?.ioServiceBytesRecursive ?? [])
      .filter(({ op }) => op.toLowerCase() === wanted)
      .reduce((sum, entry) => sum + Number(entry.value), 0);
  return {
    id,
    cpuNs: Number(cpu?.usage?.total ?? 0),
    // As docker counts: what the kernel can drop at once is not in use.
    memoryBytes: Math.max(0, used - Number(memory?.totalInactiveFile ?? 0)),
    memoryLimitBytes: limitOf(memory?.usage?.limit),
    pids: Number(pids?.current ?? 0),
    readBytes: bytes("read"),
    writtenBytes: bytes("write"),
  };
}

function fromV2(id: string, { cpu, memory, pids, io: counters }: io.containerd.cgroups.v2.Metrics): CgroupUsage {
  const entries = counters?.usage ?? [];
  return {
    id,
    cpuNs: Number(cpu?.usageUsec ?? 0) * 1000,
    memoryBytes: Math.max(0, Number(memory?.usage ?? 0) - Number(memory?.inactiveFile ?? 0)),
    memoryLimitBytes: limitOf(memory?.usageLimit),
    pids: Number(pids?.current ?? 0),
    readBytes: entries.reduce((sum, { rbytes }) => sum + Number(rbytes), 0),
    writtenBytes: entries.reduce((sum, { wbytes }) => sum + Number(wbytes), 0),
  };
}
