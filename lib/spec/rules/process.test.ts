import { expect } from "chai";
import { describe, it } from "mocha";
import { type Case, configWith, faultsOf, matched } from "../test-config.ts";

function withProcess(properties: object): Record<string, unknown> {
  return configWith({ process: { cwd: "/", args: ["true"], ...properties } });
}

const nofile = { type: "RLIMIT_NOFILE", soft: 1, hard: 2 };
const cases: Case[] = [
  { name: "takes a config without a process", config: configWith({ process: undefined }) },
  {
    name: "wants args when there is a process",
    config: configWith({ process: { cwd: "/" } }),
    faults: ["/process/args: must be an array of at least one string"],
  },
  {
    name: "refuses empty args",
    config: withProcess({ args: [] }),
    faults: ["/process/args: must be an array of at least one string"],
  },
  {
    name: "wants cwd",
    config: configWith({ process: { args: ["a"] } }),
    faults: ["/process/cwd: must be an absolute path"],
  },
  {
    name: "refuses a relative cwd",
    config: withProcess({ cwd: "tmp" }),
    faults: ["/process/cwd: must be an absolute path"],
  },
  {
    name: "refuses NUL in cwd",
    config: withProcess({ cwd: "/\0" }),
    faults: ["/process/cwd: must be an absolute path"],
  },
  {
    name: "refuses NUL in an argument",
    config: withProcess({ args: ["a\0b"] }),
    faults: ["/process/args/0: must be a string without NUL"],
  },
  { name: "takes newlines in arguments and values", config: withProcess({ args: ["a\nb"], env: ["A=b\nc", "B="] }) },
  {
    name: "wants NAME=value in env",
    config: withProcess({ env: ["A=1", "B", "=c", "D=\0"] }),
    faults: [
      "/process/env/1: must be NAME=value",
      "/process/env/2: must be NAME=value",
      "/process/env/3: must be NAME=value",
    ],
  },
  {
    name: "takes the last uid",
    config: withProcess({ user: { uid: 4294967294, gid: 4294967294, additionalGids: [0] } }),
  },
  {
    name: "refuses uid and gid 2^32-1, which mean no change",
    config: withProcess({ user: { uid: 4294967295, gid: 4294967295, additionalGids: [4294967295] } }),
    faults: [
      "/process/user/uid: must be an integer from 0 to 4294967294",
      "/process/user/gid: must be an integer from 0 to 4294967294",
      "/process/user/additionalGids/0: must be an integer from 0 to 4294967294",
    ],
  },
  {
    name: "refuses a umask above 0777",
    config: withProcess({ user: { umask: 512 } }),
    faults: ["/process/user/umask: must be"],
  },
  { name: "takes soft below hard", config: withProcess({ rlimits: [nofile] }) },
  {
    name: "refuses soft above hard",
    config: withProcess({ rlimits: [{ ...nofile, soft: 3 }] }),
    faults: ["/process/rlimits/0/soft: must not be more than the hard limit, 2"],
  },
  {
    name: "refuses a limit listed twice",
    config: withProcess({ rlimits: [nofile, nofile] }),
    faults: ["/process/rlimits/1/type: must not be listed twice"],
  },
  {
    name: "names the limits there are",
    config: withProcess({ rlimits: [{ ...nofile, type: "RLIMIT_FOO" }] }),
    faults: ['/process/rlimits/0/type: must be one of "RLIMIT_AS", "RLIMIT_CORE"'],
  },
  {
    name: "refuses half a console size",
    config: withProcess({ consoleSize: { height: 1 } }),
    faults: ["/process/consoleSize/width: must be an integer from 0 to 65535"],
  },
  {
    name: "refuses what cannot be a capability",
    config: withProcess({ capabilities: { bounding: ["CAP_KILL", "unknown", "CAP KILL"] } }),
    faults: ['/process/capabilities/bounding/2: must be the name of a capability such as "CAP_KILL"'],
  },
  {
    name: "refuses oomScoreAdj below -1000",
    config: withProcess({ oomScoreAdj: -1001 }),
    faults: ["/process/oomScoreAdj: must be an integer from -1000 to 1000"],
  },
  {
    name: "refuses an I/O priority of 8",
    config: withProcess({ ioPriority: { class: "IOPRIO_CLASS_BE", priority: 8 } }),
    faults: ["/process/ioPriority/priority: must be an integer from 0 to 7"],
  },
  {
    name: "refuses an unknown I/O class",
    config: withProcess({ ioPriority: { class: "BE" } }),
    faults: ["/process/ioPriority/class: must be one of"],
  },
  { name: "takes CPU lists", config: withProcess({ execCPUAffinity: { initial: "0-3,7", final: "" } }) },
  {
    name: "refuses other CPU lists",
    config: withProcess({ execCPUAffinity: { initial: "0-" } }),
    faults: ["/process/execCPUAffinity/initial: must be a list"],
  },
  ...["3-1", "0,65536", "0-4294967295", "0-99999999999"].map((final) => ({
    name: `refuses the CPU list ${final}`,
    config: withProcess({ execCPUAffinity: { final } }),
    faults: ["/process/execCPUAffinity/final: must have ascending ranges of numbers up to 65535"],
  })),
  {
    name: "refuses a newline in the AppArmor profile",
    config: withProcess({ apparmorProfile: "a\nb" }),
    faults: ["/process/apparmorProfile: must be a string"],
  },
];

const schedulers: Case[] = [
  {
    name: "refuses a FIFO priority of 100",
    config: { policy: "SCHED_FIFO", priority: 100 },
    faults: ["/priority: must be an integer from 1 to 99"],
  },
  { name: "takes a FIFO priority", config: { policy: "SCHED_FIFO", priority: 99 } },
  { name: "takes a nice value", config: { policy: "SCHED_BATCH", nice: -20, flags: ["SCHED_FLAG_RESET_ON_FORK"] } },
  { name: "takes a deadline", config: { policy: "SCHED_DEADLINE", runtime: 1, deadline: 2, period: 3 } },
  { name: "wants a policy", config: { nice: 1 }, faults: ["/policy: must be one of"] },
  {
    name: "refuses an unknown flag",
    config: { policy: "SCHED_IDLE", flags: ["FOO"] },
    faults: ["/flags/0: must be one of"],
  },
  {
    name: "refuses nice 20",
    config: { policy: "SCHED_OTHER", nice: 20 },
    faults: ["/nice: must be an integer from -20 to 19"],
  },
  {
    name: "refuses FIFO without a priority",
    config: { policy: "SCHED_FIFO" },
    faults: ["/priority: must be an integer from 1 to 99"],
  },
  {
    name: "refuses a priority elsewhere",
    config: { policy: "SCHED_OTHER", priority: 1 },
    faults: ["/priority: must be absent or 0"],
  },
  {
    name: "refuses a deadline elsewhere",
    config: { policy: "SCHED_RR", priority: 1, runtime: 1, period: 0, deadline: 2 },
    faults: ["/runtime: must be absent or 0", "/deadline: must be absent or 0"],
  },
];

describe("rules of process", () => {
  for (const c of cases) {
    it(c.name, () => {
      expect(matched(faultsOf(c.config), c.faults ?? [])).to.deep.equal(c.faults ?? []);
    });
  }
  for (const c of schedulers) {
    it(`scheduler: ${c.name}`, () => {
      const faults = (c.faults ?? []).map((fault) => `/process/scheduler${fault}`);
      expect(matched(faultsOf(withProcess({ scheduler: c.config })), faults)).to.deep.equal(faults);
    });
  }
});
