import { readdirSync } from "node:fs";
import type { Family } from "./text-format.ts";

const MICROSECONDS_PER_S = 1e6;
const MS_PER_S = 1000;

/** This process and its build, by the names that client libraries of Prometheus have for them. */
export function processFamilies(build: { readonly version: string; readonly revision: string }): readonly Family[] {
  const { user, system } = process.cpuUsage();
  const { rss } = process.memoryUsage();
  const startSeconds = (Date.now() - process.uptime() * MS_PER_S) / MS_PER_S;
  const of = (name: string, type: Family["type"], help: string, value: number): Family => {
    return { name, help, type, samples: [{ labels: {}, value }] };
  };
  return [
    of("process_cpu_seconds_total", "counter", "time of processors, in seconds", (user + system) / MICROSECONDS_PER_S),
    of("process_resident_memory_bytes", "gauge", "memory that is resident", rss),
    of("process_open_fds", "gauge", "descriptors that are open", readdirSync("/proc/self/fd").length),
    of("process_start_time_seconds", "gauge", "when it was started, in seconds since 1970", startSeconds),
    {
      ...{
        name: "containerd_build_info_total",
        help: "the release of containerd whose services these are",
        type: "counter",
      },
      samples: [{ labels: { revision: build.revision, version: build.version }, value: 1 }],
    },
  ];
}
