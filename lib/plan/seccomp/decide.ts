import { ContainerError } from "../../errors.ts";
import { syscallTable } from "../../linux/constants/seccomp-syscalls.ts";
import type { Architecture } from "../../linux/constants/syscalls.ts";
import type { Seccomp, SeccompArch, SeccompOperator } from "../../spec/seccomp.ts";
import { describeReturn, RETURN_BAD_ARCH, RETURN_ENOSYS } from "./actions.ts";
import { type CallTable, type Decision, readCalls } from "./calls.ts";
import { defaultsOf } from "./filter.ts";
import { rangesOf } from "./ranges.ts";
import { type Condition, entryPointer, holds, type Rule } from "./rules.ts";
import { nativeArch, type Target, targetsOf } from "./targets.ts";
import { type Branch, buildTree, type Level, type WordTest } from "./tree.ts";

/** A system call a user asks about. */
export interface Question {
  readonly seccomp: Seccomp;
  /** Of the host. */
  readonly architecture: Architecture;
  readonly exact: ReadonlyMap<string, bigint>;
  /** Absent: the host's own. */
  readonly arch?: SeccompArch;
  /** A name, or a number as the kernel has it. */
  readonly syscall: string | number;
  /** Missing ones are 0. */
  readonly args: readonly bigint[];
}

/** What the filter does with a system call, and why. */
export interface Explanation {
  /** What the filter returns. */
  readonly value: number;
  /** The same in words: `SCMP_ACT_ERRNO (EPERM)`. */
  readonly action: string;
  /** Of the property that decides. */
  readonly pointer: string;
  /** A sentence without its period. */
  readonly reason: string;
  /** Every rule about the system call, in the order of the profile. */
  readonly rules: readonly ExplainedRule[];
}

/** A rule, held against the arguments. */
export interface ExplainedRule {
  readonly pointer: string;
  readonly action: string;
  readonly conditions: readonly { readonly text: string; readonly holds: boolean }[];
  readonly decides: boolean;
}

/**
 * Which rule decides about a system call: from the profile, by the order in which the filter tries its rules.
 * @throws {ContainerError} not_found for a name the architecture has no number for, invalid_argument for a profile
 * that cannot be compiled
 */
export function explainDecision(question: Question): Explanation {
  const { seccomp, architecture, exact, arch = nativeArch(architecture), args } = question;
  const tables = readCalls(seccomp, targetsOf(seccomp, architecture), exact);
  const table = tables.find(({ target }) => target.arch === arch);
  if (table === undefined) {
    return other(RETURN_BAD_ARCH, "/linux/seccomp/architectures", `${arch} is not among the architectures`);
  }
  const number = numberOf(question.syscall, table.target);
  const decision = decisionAt(tables, table.target, seccomp, number);
  if (typeof decision === "number") return explainWhole(decision, table, number, seccomp);
  const rule = walk(buildTree(decision), args);
  const value = rule?.value ?? defaultsOf(seccomp).value;
  const rules = decision.rules.map((each) => explainRule(each, each === rule, args, decision.bits));
  if (rule === undefined) {
    return { ...other(value, "/linux/seccomp/defaultAction", "the conditions of no rule hold"), rules };
  }
  return {
    ...other(value, entryPointer(rule), "its conditions hold, and no rule that is tried earlier has such"),
    rules,
  };
}

function other(value: number, pointer: string, reason: string): Explanation {
  return { value, action: describeReturn(value), pointer, reason, rules: [] };
}

function numberOf(syscall: string | number, { arch, column, numberBit }: Target): number {
  if (typeof syscall === "number") return syscall;
  const row = syscallTable()[syscall];
  const number = Array.isArray(row) ? (row[column] ?? -1) : -1;
  if (number === -1)
    throw new ContainerError("not_found", `cannot explain ${syscall}: ${arch} has no such system call`);
  return number + numberBit;
}

function decisionAt(tables: readonly CallTable[], { token }: Target, seccomp: Seccomp, number: number): Decision {
  const group = tables.filter(({ target }) => target.token === token);
  const { starts, decisions } = rangesOf(group, defaultsOf(seccomp));
  return decisions[starts.findLastIndex((start) => start <= number)] ?? RETURN_BAD_ARCH;
}

/** A decision that the arguments have no part in. */
function explainWhole(value: number, table: CallTable, number: number, seccomp: Seccomp): Explanation {
  const rule = table.find(number)?.rules[0];
  if (rule !== undefined) {
    const explained = { ...other(value, entryPointer(rule), "it names the call and has no conditions") };
    return { ...explained, rules: [explainRule(rule, true, [], table.target.bits)] };
  }
  const { value: defaultValue } = defaultsOf(seccomp);
  if (value === defaultValue) return other(value, "/linux/seccomp/defaultAction", "no rule names the call");
  if (value === RETURN_ENOSYS) {
    return other(
      value,
      "/linux/seccomp/syscalls",
      "the number is above all that the profile names, so the call is new",
    );
  }
  return other(value, "/linux/seccomp/architectures", "the number is one of another architecture");
}

/** The rule that a tree comes to. */
function walk({ nodes }: Level, args: readonly bigint[]): Rule | undefined {
  for (const { test, yes, no } of nodes) {
    const rule = follow(passes(test, args) ? yes : no, args);
    if (rule !== undefined) return rule;
  }
  return undefined;
}

function follow(branch: Branch, args: readonly bigint[]): Rule | undefined {
  return branch?.kind === "level" ? walk(branch, args) : branch?.rule;
}

const HIGH_WORD = 32n;

function passes({ op, value, mask, position, from }: WordTest, args: readonly bigint[]): boolean {
  const argument = args[from.index] ?? 0n;
  const word = Number(BigInt.asUintN(32, position % 2 === 1 ? argument >> HIGH_WORD : argument));
  const masked = (word & mask) >>> 0;
  if (op === "eq") return masked === value;
  return op === "ge" ? masked >= value : masked > value;
}

const SIGNS: Readonly<Record<SeccompOperator, string>> = {
  SCMP_CMP_NE: "!=",
  SCMP_CMP_LT: "<",
  SCMP_CMP_LE: "<=",
  SCMP_CMP_EQ: "==",
  SCMP_CMP_GE: ">=",
  SCMP_CMP_GT: ">",
  SCMP_CMP_MASKED_EQ: "==",
};

function explainRule(rule: Rule, decides: boolean, args: readonly bigint[], bits: 32 | 64): ExplainedRule {
  const conditions = rule.conditions.map((condition) => {
    return { text: conditionText(condition), holds: holds(condition, args[condition.index] ?? 0n, bits) };
  });
  return { pointer: entryPointer(rule), action: describeReturn(rule.value), conditions, decides };
}

function conditionText({ index, op, value, mask }: Condition): string {
  const left = op === "SCMP_CMP_MASKED_EQ" ? `(args[${index}] & 0x${mask.toString(16)})` : `args[${index}]`;
  return `${left} ${SIGNS[op]} 0x${value.toString(16)}`;
}
