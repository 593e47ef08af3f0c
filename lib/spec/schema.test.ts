import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { isConfig } from "./gen/is-valid.js";
import { isObject, splitPointer, valueAt } from "./pointer.ts";

const base = readFileSync(join(import.meta.dirname, "testdata/podman.json"), "utf8");

/** podman.json with one value changed, or taken out when it is undefined. */
function change(pointer: string, value: unknown): unknown {
  const document: unknown = JSON.parse(base);
  const place = splitPointer(pointer);
  const holder = valueAt(document, place?.parent ?? "");
  if (place === undefined || !isObject(holder)) throw new TypeError(`no place ${pointer} in podman.json`);
  if (value === undefined) delete holder[place.token];
  else holder[place.token] = value;
  return document;
}

/** The nearest value outside of a range at one of its two limits. */
function outside([low, high]: Range, limit: number): number {
  const step = Math.abs(limit) > 2 ** 53 ? Math.abs(limit) * 2 ** -50 : 1;
  return limit === low && low < high ? limit - step : limit + step;
}

type Range = readonly [low: number, high: number];

const ID: Range = [0, 4294967294];
const UINT32: Range = [0, 4294967295];
const UINT64: Range = [0, 2 ** 64];
const INT64: Range = [-(2 ** 63), 2 ** 63];

const ranges: Record<string, Range> = {
  "/process/user/uid": ID,
  "/process/user/additionalGids/0": ID,
  "/process/user/umask": [0, 0o777],
  "/process/consoleSize/width": [0, 65535],
  "/process/oomScoreAdj": [-1000, 1000],
  "/process/rlimits/0/soft": UINT64,
  "/linux/uidMappings/0/hostID": ID,
  "/linux/uidMappings/0/size": [1, 4294967295],
  "/linux/timeOffsets/monotonic/secs": INT64,
  "/linux/timeOffsets/monotonic/nanosecs": [0, 999999999],
  "/linux/devices/0/major": UINT32,
  "/linux/resources/pids/limit": INT64,
  "/linux/resources/memory/limit": [-1, 2 ** 63],
  "/linux/resources/rdma/mlx5_1/hcaHandles": UINT32,
  "/linux/seccomp/syscalls/2/args/0/index": [0, 5],
  "/linux/seccomp/syscalls/2/args/0/value": UINT64,
  "/linux/seccomp/defaultErrnoRet": [0, 65535],
};

/** Ranges of properties whose holder podman.json does not have. */
const nested: { pointer: string; holder: (value: number) => unknown; range: Range }[] = [
  { pointer: "/process/ioPriority", holder: (priority) => ({ class: "IOPRIO_CLASS_RT", priority }), range: [0, 7] },
  {
    pointer: "/process/scheduler",
    holder: (nice) => ({ policy: "SCHED_OTHER", nice }),
    range: [-(2 ** 31), 2 ** 31 - 1],
  },
  { pointer: "/linux/resources/cpu", holder: (idle) => ({ idle }), range: [0, 1] },
  { pointer: "/linux/resources/blockIO", holder: (weight) => ({ weight }), range: [0, 1000] },
  {
    pointer: "/linux/resources/devices",
    holder: (major) => [{ allow: true, access: "r", major }],
    range: [-1, 4294967295],
  },
  { pointer: "/hooks", holder: (timeout) => ({ poststop: [{ path: "/a", timeout }] }), range: [1, 9223372036] },
];

describe("the schema", () => {
  for (const [pointer, range] of Object.entries(ranges)) {
    for (const limit of range) {
      it(`takes ${pointer} up to ${limit}`, () => {
        expect(isConfig(change(pointer, limit))).to.equal(true);
        expect(isConfig(change(pointer, outside(range, limit)))).to.equal(false);
      });
    }
  }
  for (const { pointer, holder, range } of nested) {
    for (const limit of range) {
      it(`takes ${pointer} with ${JSON.stringify(holder(limit))} and nothing beyond`, () => {
        expect(isConfig(change(pointer, holder(limit)))).to.equal(true);
        expect(isConfig(change(pointer, holder(outside(range, limit))))).to.equal(false);
      });
    }
  }
  for (const pointer of [
    "/ociVersion",
    "/root",
    "/root/path",
    "/process/cwd",
    "/process/consoleSize/height",
    "/process/rlimits/0/type",
    "/process/rlimits/0/soft",
    "/process/rlimits/0/hard",
    "/mounts/0/destination",
    "/linux/namespaces/0/type",
    "/linux/uidMappings/0/containerID",
    "/linux/uidMappings/0/hostID",
    "/linux/uidMappings/0/size",
    "/linux/devices/0/path",
    "/linux/devices/0/type",
    "/linux/resources/hugepageLimits/0/pageSize",
    "/linux/resources/hugepageLimits/0/limit",
    "/linux/seccomp/defaultAction",
    "/linux/seccomp/syscalls/0/names",
    "/linux/seccomp/syscalls/0/action",
    "/linux/seccomp/syscalls/2/args/0/index",
    "/linux/seccomp/syscalls/2/args/0/value",
    "/linux/seccomp/syscalls/2/args/0/op",
    "/linux/memoryPolicy/mode",
    "/linux/personality/domain",
  ]) {
    it(`wants ${pointer}`, () => {
      expect(isConfig(change(pointer, undefined))).to.equal(false);
    });
  }
  for (const [pointer, value] of [
    ["/process/ioPriority", {}],
    ["/linux/resources/blockIO", { weightDevice: [{ major: 8, weight: 10 }] }],
    ["/linux/resources/network", { priorities: [{ name: "eth0" }] }],
    ["/hooks", { poststart: [{ args: [] }] }],
  ] as const) {
    it(`refuses ${pointer} as ${JSON.stringify(value)}`, () => {
      expect(isConfig(change(pointer, value))).to.equal(false);
    });
  }
});
