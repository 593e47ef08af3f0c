import { expect } from "chai";
import type { LinuxResources } from "../../spec/resources.ts";
import { resourceProperties } from "./properties.ts";

const INFINITY = 2n ** 64n - 1n;

describe("resourceProperties()", () => {
  const V2 = { mode: "v2", version: 255 } as const;
  const V1 = { mode: "v1", version: 255 } as const;

  const cases: readonly {
    readonly name: string;
    readonly resources: LinuxResources;
    readonly facts?: { readonly mode: "v1" | "v2"; readonly version: number };
    readonly properties: Readonly<Record<string, unknown>>;
  }[] = [
    { name: "nothing", resources: {}, properties: {} },
    {
      name: "memory",
      resources: { memory: { limit: 5, reservation: 3 } },
      properties: { MemoryMax: 5n, MemoryLow: 3n },
    },
    {
      name: "memory without limit",
      resources: { memory: { limit: -1 } },
      properties: { MemoryMax: INFINITY, MemorySwapMax: INFINITY },
    },
    { name: "memory unset", resources: { memory: { limit: 0, reservation: 0, swap: 0 } }, properties: {} },
    {
      name: "swap alone of memory and swap",
      resources: { memory: { limit: 5, swap: 8 } },
      properties: { MemoryMax: 5n, MemorySwapMax: 3n },
    },
    { name: "memory on v1", facts: V1, resources: { memory: { limit: 5, swap: 8 } }, properties: { MemoryLimit: 5n } },
    { name: "shares", resources: { cpu: { shares: 1024 } }, properties: { CPUWeight: 100n } },
    { name: "shares on v1", facts: V1, resources: { cpu: { shares: 1024 } }, properties: { CPUShares: 1024n } },
    { name: "idle", resources: { cpu: { idle: 1, shares: 1024 } }, properties: { CPUWeight: 0n } },
    {
      name: "idle before 252",
      facts: { mode: "v2", version: 251 },
      resources: { cpu: { idle: 1, shares: 1024 } },
      properties: {},
    },
    {
      name: "a quota, in whole percent",
      resources: { cpu: { quota: 33_333, period: 100_000 } },
      properties: { CPUQuotaPeriodUSec: 100_000n, CPUQuotaPerSecUSec: 340_000n },
    },
    {
      name: "a quota of the default period",
      resources: { cpu: { quota: 50_000 } },
      properties: { CPUQuotaPerSecUSec: 500_000n },
    },
    {
      name: "a period before 242",
      facts: { mode: "v2", version: 241 },
      resources: { cpu: { period: 50_000 } },
      properties: { CPUQuotaPerSecUSec: INFINITY },
    },
    { name: "no quota", resources: { cpu: { quota: -1 } }, properties: { CPUQuotaPerSecUSec: INFINITY } },
    {
      name: "sets",
      resources: { cpu: { cpus: "0-3,9", mems: "1" } },
      properties: { AllowedCPUs: [15, 2], AllowedMemoryNodes: [2] },
    },
    {
      name: "sets before 244",
      facts: { mode: "v2", version: 243 },
      resources: { cpu: { cpus: "0", mems: "0" } },
      properties: {},
    },
    { name: "tasks", resources: { pids: { limit: 20 } }, properties: { TasksMax: 20n } },
    { name: "tasks without limit", resources: { pids: { limit: -1 } }, properties: { TasksMax: INFINITY } },
    { name: "no tasks", resources: { pids: { limit: 0 } }, properties: { TasksMax: 1n } },
    { name: "weight on v1", facts: V1, resources: { blockIO: { weight: 300 } }, properties: { BlockIOWeight: 300n } },
    {
      name: "unified",
      resources: {
        unified: {
          "cpu.max": "25000 50000",
          "cpu.weight": "5",
          "cpuset.cpus": "0,1",
          "memory.high": "max",
          "memory.min": "4096",
          "memory.oom.group": "1",
          "pids.max": "9\n",
          "io.max": "8:0 rbps=1",
          constructor: "1",
        },
      },
      properties: {
        AllowedCPUs: [3],
        CPUQuotaPeriodUSec: 50_000n,
        CPUQuotaPerSecUSec: 500_000n,
        CPUWeight: 5n,
        MemoryHigh: INFINITY,
        MemoryMin: 4096n,
        OOMPolicy: "kill",
        TasksMax: 9n,
      },
    },
  ];
  for (const { name, resources, facts = V2, properties } of cases) {
    it(name, () => {
      const found = resourceProperties(resources, facts).map(({ name: property, value }) => [property, value]);
      expect(Object.fromEntries(found)).to.deep.equal(properties);
    });
  }

  it("names the property each comes from", () => {
    const resources = { memory: { limit: 5 }, cpu: { shares: 2 }, unified: { "cpu.max": "1000 2000" } };
    expect(resourceProperties(resources, V2).map(({ name, from }) => [name, from])).to.deep.equal([
      ["MemoryMax", "/linux/resources/memory/limit"],
      ["CPUWeight", "/linux/resources/cpu/shares"],
      ["CPUQuotaPeriodUSec", "/linux/resources/unified/cpu.max"],
      ["CPUQuotaPerSecUSec", "/linux/resources/unified/cpu.max"],
    ]);
  });

  it("leaves room for what has to be born", () => {
    expect(resourceProperties({ pids: { limit: 1 } }, V2, 2)[0]).to.include({ name: "TasksMax", value: 2n });
  });

  it("does not count to a number that no machine has", () => {
    const [set] = resourceProperties({ cpu: { cpus: "0-4000000000" } }, V2);
    expect(set?.value).to.have.length(1024);
  });
});
