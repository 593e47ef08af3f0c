import {
  IOPRIO_CLASS,
  IOPRIO_CLASS_SHIFT,
  IOPRIO_WHO,
  MPOL,
  MPOL_FLAG,
  PERSONALITY,
  SCHED,
  SCHED_FLAG,
} from "../linux/constants/scheduling.ts";
import type { ExecCpuAffinity, IoPriority, Linux, MemoryPolicy, Process, Scheduler } from "../spec/config.ts";
import { flags, type Step, type Struct } from "./step.ts";

/** config.md § Linux Process, `scheduler` and `ioPriority`; config-linux.md, `personality` and `memoryPolicy`. */
export function compileScheduling(process: Process, linux: Linux): readonly Step[] {
  const steps: Step[] = [];
  if (process.scheduler !== undefined) steps.push(setScheduler(process.scheduler, linux.resources?.cpu?.cpus));
  if (process.ioPriority !== undefined) steps.push(setIoPriority(process.ioPriority));
  if (linux.personality !== undefined) steps.push(setPersonality(linux.personality.domain));
  if (linux.memoryPolicy !== undefined) steps.push(setMemoryPolicy(linux.memoryPolicy));
  return steps;
}

/** `struct sched_attr`: u32 size, policy; u64 flags; s32 nice; u32 priority; u64 runtime, deadline, period. */
function setScheduler(scheduler: Scheduler, cpus: string | undefined): Step {
  const { policy, nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler;
  const bytes = new Uint8Array(48);
  const view = new DataView(bytes.buffer);
  const bits = (scheduler.flags ?? []).reduce((all, name) => all | SCHED_FLAG[name], 0);
  view.setUint32(0, bytes.length, true);
  view.setUint32(4, SCHED[policy], true);
  view.setUint32(8, bits, true);
  view.setInt32(16, nice, true);
  view.setUint32(20, priority, true);
  [runtime, deadline, period].forEach((nanoseconds, index) => {
    view.setBigUint64(24 + 8 * index, BigInt(nanoseconds), true);
  });
  const describe = () => `{${policy}, nice=${nice}, priority=${priority}}`;
  const attributes: Struct = { kind: "struct", bytes, describe };
  const purpose = { doing: `set the scheduler to ${policy}`, from: "/process/scheduler" };
  const step: Step = { call: "sched_setattr", args: [0, attributes, 0], purpose };
  // sched(7): a deadline is the promise of all CPUs of a domain.
  const hint = "process scheduler can't be used together with AllowedCPUs (linux.resources.cpu.cpus)";
  return policy === "SCHED_DEADLINE" && cpus !== undefined ? { ...step, hints: { EPERM: hint } } : step;
}

function setIoPriority({ class: name, priority = 0 }: IoPriority): Step {
  const value = (IOPRIO_CLASS[name] << IOPRIO_CLASS_SHIFT) | priority;
  const purpose = { doing: `set the I/O priority to ${name} ${priority}`, from: "/process/ioPriority" };
  return { call: "ioprio_set", args: [flags(IOPRIO_WHO.IOPRIO_WHO_PROCESS, IOPRIO_WHO), 0, value], purpose };
}

function setPersonality(domain: "LINUX" | "LINUX32"): Step {
  const persona = domain === "LINUX32" ? PERSONALITY.PER_LINUX32 : PERSONALITY.PER_LINUX;
  const purpose = { doing: `set the personality ${domain}`, from: "/linux/personality/domain" };
  return { call: "personality", args: [flags(persona, PERSONALITY)], purpose };
}

/** set_mempolicy(2): the mask has a bit for every node, in words of 64; the kernel reads one bit less than it is told. */
function setMemoryPolicy({ mode: policyName, nodes = "", flags: names = [] }: MemoryPolicy): Step {
  const bits = names.reduce((all: number, name) => all | MPOL_FLAG[name], 0);
  const purpose = { doing: `set the memory policy ${policyName}`, from: "/linux/memoryPolicy" };
  const policy = flags(bits | MPOL[policyName], { ...MPOL, ...MPOL_FLAG });
  const list = parseList(nodes);
  if (list.length === 0) return { call: "set_mempolicy", args: [policy, 0, 0], purpose };
  const mask = bitMask(list, `nodes ${nodes}`);
  return { call: "set_mempolicy", args: [policy, mask, 8 * mask.bytes.length + 1], purpose };
}

/** Where the CPUs of a process are set: before it joins the container's cgroups, or after. */
export type AffinityMoment = keyof ExecCpuAffinity;

/** config.md § Linux Process, `execCPUAffinity`: for `exec` alone. */
export function compileAffinity(affinity: ExecCpuAffinity, moment: AffinityMoment): readonly Step[] {
  const cpus = affinity[moment];
  if (cpus === undefined) return [];
  const mask = bitMask(parseList(cpus), `CPUs ${cpus}`);
  const purpose = { doing: `run on the CPUs ${cpus}`, from: `/process/execCPUAffinity/${moment}` };
  return [{ call: "sched_setaffinity", args: [0, mask.bytes.length, mask], purpose }];
}

/** CPU_SETSIZE */
const ALL_CPUS_BYTES = 128;

/**
 * A process keeps the CPUs that it was confined to before, even in a cpuset: the caller's are not the container's. The
 * kernel takes away those that the cpuset does not have.
 */
export function resetAffinity(): Step {
  const mask: Struct = { kind: "struct", bytes: new Uint8Array(ALL_CPUS_BYTES).fill(0xff), describe: () => "all CPUs" };
  const purpose = { doing: "run on all CPUs of the cgroup", from: "" };
  // Where it may not be changed, or a deadline scheduler is in the way, it stays as it is; runc too tries but once.
  return { call: "sched_setaffinity", args: [0, ALL_CPUS_BYTES, mask], tolerated: "any", purpose };
}

/** In words of 64 bits, as the kernel reads sets of nodes and of CPUs. */
function bitMask(list: readonly number[], shown: string): Struct {
  const bytes = new Uint8Array(8 * (Math.floor(Math.max(...list) / 64) + 1));
  for (const bit of list) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
  return { kind: "struct", bytes, describe: () => shown };
}

/** cpuset(7), list format: `0-3,7`. lib/spec has checked it. */
function parseList(text: string): readonly number[] {
  return text
    .split(",")
    .filter((part) => part !== "")
    .flatMap((part) => {
      const [first = 0, last = first] = part.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}
