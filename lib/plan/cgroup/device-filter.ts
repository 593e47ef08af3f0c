import {
  BPF,
  BPF_CGROUP_DEVICE,
  BPF_DEVCG,
  BPF_F_ALLOW_MULTI,
  BPF_PROG_TYPE_CGROUP_DEVICE,
} from "../../linux/constants/bpf.ts";
import type { DeviceRule } from "../../spec/resources.ts";
import { fdcwd, openFlags } from "../calls.ts";
import { type Field, flags, type Purpose, register, type Step, type Struct } from "../step.ts";

const FROM: Purpose = { doing: "filter the devices", from: "/linux/resources/devices" };
const INSN_BYTES = 8;
/** The kernel wants the size of `union bpf_attr` it was told; zeros beyond what it knows are no fault. */
const ATTR_BYTES = 128;
const LICENSE = "Apache";

/** bpf(2): loads a device filter and attaches it to the container's cgroup, which is new and has none. */
export function compileDeviceFilter(rules: readonly DeviceRule[], directory: string): readonly Step[] {
  const code = deviceFilter(rules);
  const load = attributes(
    () => `{BPF_PROG_TYPE_CGROUP_DEVICE, ${code.length / INSN_BYTES} instructions}`,
    [
      { at: 8, to: { kind: "struct", bytes: code, describe: () => "instructions" } },
      { at: 16, to: LICENSE },
    ],
  );
  const loadView = new DataView(load.bytes.buffer);
  loadView.setUint32(0, BPF_PROG_TYPE_CGROUP_DEVICE, true);
  loadView.setUint32(4, code.length / INSN_BYTES, true);
  const attach = attributes(() => "{cgroup, filter, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI}", []);
  const attachView = new DataView(attach.bytes.buffer);
  attachView.setUint32(8, BPF_CGROUP_DEVICE, true);
  attachView.setUint32(12, BPF_F_ALLOW_MULTI, true);
  const target: Field = { kind: "field", of: attach, at: 0, name: "attr.target_fd" };
  const filter: Field = { kind: "field", of: attach, at: 4, name: "attr.attach_bpf_fd" };
  const purpose = { ...FROM, path: directory };
  const access = openFlags("O_DIRECTORY", "O_CLOEXEC");
  return [
    { call: "bpf", args: [flags(BPF.BPF_PROG_LOAD, BPF), load, ATTR_BYTES], into: "filter", purpose },
    { call: "openat", args: [fdcwd(), directory, access], into: "cgroup", purpose },
    { call: "store", args: [target, register("cgroup"), 4], purpose },
    { call: "store", args: [filter, register("filter"), 4], purpose },
    { call: "bpf", args: [flags(BPF.BPF_PROG_ATTACH, BPF), attach, ATTR_BYTES], purpose },
  ];
}

function attributes(describe: () => string, pointers: NonNullable<Struct["pointers"]>): Struct {
  return { kind: "struct", bytes: new Uint8Array(ATTR_BYTES), pointers, describe };
}

/** bpf_insn(2): u8 code, u8 destination and source, s16 offset, s32 immediate. */
interface Insn {
  readonly code: number;
  readonly to?: number;
  readonly from?: number;
  readonly offset?: number;
  readonly value?: number;
}

const LOAD_U32 = 0x61;
const AND = 0x54;
const SHIFT_RIGHT = 0x74;
const COPY = 0xbc;
const SET = 0xb7;
const JUMP_IF_NOT = 0x55;
const JUMP_IF_NOT_SAME = 0x5d;
const JUMP_IF = 0x15;
const EXIT = 0x95;

const RESULT = 0;
const CONTEXT = 1;
const TYPE = 2;
const ACCESS = 3;
const MAJOR = 4;
const MINOR = 5;

/**
 * The instructions of a filter that knows nothing but its rules: the last one that speaks of a device decides, and what
 * no rule speaks of is denied.
 */
export function deviceFilter(rules: readonly DeviceRule[]): Uint8Array {
  const code: Insn[] = [
    { code: LOAD_U32, to: TYPE, from: CONTEXT },
    { code: AND, to: TYPE, value: 0xffff },
    { code: LOAD_U32, to: ACCESS, from: CONTEXT },
    { code: SHIFT_RIGHT, to: ACCESS, value: 16 },
    { code: LOAD_U32, to: MAJOR, from: CONTEXT, offset: 4 },
    { code: LOAD_U32, to: MINOR, from: CONTEXT, offset: 8 },
  ];
  for (const rule of rules.toReversed()) {
    code.push(...ruleCode(rule));
    if ((rule.type ?? "a") === "a" && accessMask(rule) === ALL) return assemble(code);
  }
  code.push({ code: SET, to: RESULT, value: 0 }, { code: EXIT });
  return assemble(code);
}

const ALL = BPF_DEVCG.MKNOD | BPF_DEVCG.READ | BPF_DEVCG.WRITE;

function accessMask({ access = "rwm" }: DeviceRule): number {
  const bits = { r: BPF_DEVCG.READ, w: BPF_DEVCG.WRITE, m: BPF_DEVCG.MKNOD };
  return [...access].reduce((mask, letter) => mask | (bits[letter as keyof typeof bits] ?? 0), 0);
}

/** Each test of a rule jumps behind it when it fails: the jumps are measured when the rule is complete. */
function ruleCode(rule: DeviceRule): readonly Insn[] {
  const { allow, type = "a", major = -1, minor = -1 } = rule;
  const tests: Insn[] = [];
  if (type !== "a") {
    tests.push({ code: JUMP_IF_NOT, to: TYPE, value: type === "b" ? BPF_DEVCG.BLOCK : BPF_DEVCG.CHARACTER });
  }
  const mask = accessMask(rule);
  if (mask !== ALL) {
    tests.push({ code: COPY, to: CONTEXT, from: ACCESS }, { code: AND, to: CONTEXT, value: mask });
    // All that is wanted has to be allowed, but one thing that is denied is enough.
    tests.push(
      allow ? { code: JUMP_IF_NOT_SAME, to: CONTEXT, from: ACCESS } : { code: JUMP_IF, to: CONTEXT, value: 0 },
    );
  }
  if (major !== -1 && type !== "a") tests.push({ code: JUMP_IF_NOT, to: MAJOR, value: major });
  if (minor !== -1 && type !== "a") tests.push({ code: JUMP_IF_NOT, to: MINOR, value: minor });
  const verdict: readonly Insn[] = [{ code: SET, to: RESULT, value: allow ? 1 : 0 }, { code: EXIT }];
  const jumps = new Set([JUMP_IF, JUMP_IF_NOT, JUMP_IF_NOT_SAME]);
  const end = tests.length + verdict.length;
  const placed = tests.map((test, at) => (jumps.has(test.code) ? { ...test, offset: end - at - 1 } : test));
  return [...placed, ...verdict];
}

function assemble(code: readonly Insn[]): Uint8Array {
  const bytes = new Uint8Array(INSN_BYTES * code.length);
  const view = new DataView(bytes.buffer);
  code.forEach((insn, index) => {
    const at = INSN_BYTES * index;
    view.setUint8(at, insn.code);
    view.setUint8(at + 1, (insn.to ?? 0) | ((insn.from ?? 0) << 4));
    view.setInt16(at + 2, insn.offset ?? 0, true);
    view.setInt32(at + 4, insn.value ?? 0, true);
  });
  return bytes;
}
