import { pointerTo } from "../../json-pointer.ts";
import type { SeccompArg, SeccompOperator, SeccompSyscall } from "../../spec/seccomp.ts";
import { returnValue } from "./actions.ts";
import type { Target } from "./targets.ts";

/** A comparison of one argument; `mask` is all ones but for MASKED_EQ. */
export interface Condition {
  /** 0..5 */
  readonly index: number;
  readonly op: SeccompOperator;
  readonly value: bigint;
  readonly mask: bigint;
}

/** One alternative of an entry of `syscalls`: its action is taken when all conditions hold. */
export interface Rule {
  /** Index in `syscalls`. */
  readonly entry: number;
  /** What the filter returns. */
  readonly value: number;
  /** By ascending index, one for each. */
  readonly conditions: readonly Condition[];
}

/** RFC 6901 pointer of the entry a rule comes from. */
export function entryPointer({ entry }: Rule): string {
  return pointerTo("/linux/seccomp/syscalls", entry);
}

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/** The rules of an entry: one, or as many as it has conditions when several are for the same argument, as with runc. */
export function readEntry(
  { args = [], action, errnoRet }: SeccompSyscall,
  entry: number,
  exact: ReadonlyMap<string, bigint>,
): readonly Rule[] {
  const value = returnValue(action, errnoRet);
  if (args.length === 0) return [{ entry, value, conditions: [] }];
  const byIndex: Condition[] = [];
  const single: Rule[] = [];
  let isRepeated = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === undefined) continue;
    const condition = readCondition(arg, `/linux/seccomp/syscalls/${entry}/args/${i}`, exact);
    if (byIndex[condition.index] !== undefined) isRepeated = true;
    byIndex[condition.index] = condition;
    single.push({ entry, value, conditions: [condition] });
  }
  if (isRepeated || single.length === 1) return single;
  // An array with holes where no argument is compared; filter() closes them.
  return [{ entry, value, conditions: byIndex.filter(() => true) }];
}

/** The rule without the conditions whose mask is zero for a target; they compare nothing. */
export function withoutIdle(rule: Rule, { bits }: Target): Rule {
  const isIdle = ({ mask }: Condition): boolean => BigInt.asUintN(bits, mask) === 0n;
  for (const condition of rule.conditions) {
    if (isIdle(condition)) return { ...rule, conditions: rule.conditions.filter((each) => !isIdle(each)) };
  }
  return rule;
}

/** The rule for a call that is made through socketcall(2) or ipc(2): its number is in the place of the first argument. */
export function multiplexed({ entry, value, conditions }: Rule, subcall: number): Rule {
  const first: Condition = { index: 0, op: "SCMP_CMP_EQ", value: BigInt(subcall), mask: ALL_ONES };
  return { entry, value, conditions: [first, ...conditions.filter(({ index }) => index !== 0)] };
}

function readCondition(arg: SeccompArg, at: string, exact: ReadonlyMap<string, bigint>): Condition {
  const { index, op } = arg;
  const value = exact.get(`${at}/value`) ?? BigInt(arg.value);
  if (op !== "SCMP_CMP_MASKED_EQ") return { index, op, value, mask: ALL_ONES };
  const wanted = exact.get(`${at}/valueTwo`) ?? BigInt(arg.valueTwo ?? 0);
  return { index, op, value: wanted & value, mask: value };
}

/** True when `argument`, as a target of `bits` bits compares it, satisfies the condition. */
export function holds({ op, value, mask }: Condition, argument: bigint, bits: 32 | 64): boolean {
  const left = BigInt.asUintN(bits, argument);
  const right = BigInt.asUintN(bits, value);
  switch (op) {
    case "SCMP_CMP_NE":
      return left !== right;
    case "SCMP_CMP_LT":
      return left < right;
    case "SCMP_CMP_LE":
      return left <= right;
    case "SCMP_CMP_EQ":
      return left === right;
    case "SCMP_CMP_GE":
      return left >= right;
    case "SCMP_CMP_GT":
      return left > right;
    case "SCMP_CMP_MASKED_EQ":
      return (left & mask) === right;
  }
}
