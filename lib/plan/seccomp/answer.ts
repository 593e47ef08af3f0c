import { ContainerError } from "../../errors.ts";
import { propertyPath } from "../../json-pointer.ts";
import { syscallTable } from "../../linux/constants/seccomp-syscalls.ts";
import type { SeccompArch } from "../../spec/seccomp.ts";
import { type Explanation, explainDecision, type Question } from "./decide.ts";
import { nativeArch, type Target, targetsOf } from "./targets.ts";

/** What `tsrun explain --seccomp --format json` says of one architecture. */
export interface Answer extends Explanation {
  readonly arch: SeccompArch;
  /** Absent when nobody gave the number a name. */
  readonly syscall?: string;
  /** With the bit that all numbers of x32 have. */
  readonly number: number;
  /** In hexadecimal. */
  readonly arguments: readonly string[];
}

/** How many arguments a system call has. */
export const MAX_ARGUMENTS = 6;

/**
 * Answers a question for the architecture that is named; without one, for every architecture of the profile that has a call
 * of the name, or, about a number, for the host's own.
 * @throws {ContainerError} not_found for a name or an architecture that the filter does not know
 */
export function answer(question: Omit<Question, "arch">, arch: string | undefined): readonly Answer[] {
  const { seccomp, architecture, syscall } = question;
  const targets = targetsOf(seccomp, architecture);
  const wanted = fullName(arch) ?? (typeof syscall === "number" ? nativeArch(architecture) : undefined);
  const asked = targets.filter((target) => wanted === undefined || target.arch === wanted);
  if (asked.length === 0) {
    const known = targets.map((target) => target.arch).join(", ");
    const why = `the filter knows ${known}, and kills what calls by any other architecture`;
    throw new ContainerError("not_found", `cannot explain ${syscall} for ${wanted}: ${why}`);
  }
  const answers = asked.flatMap((target) => answerFor(question, target));
  if (answers.length > 0) return answers;
  const names = asked.map((target) => target.arch).join(", ");
  throw new ContainerError("not_found", `cannot explain ${syscall}: no such system call on ${names}`);
}

const PREFIX = "SCMP_ARCH_";

/** `x86_64` and `SCMP_ARCH_X86_64` are the same. */
function fullName(arch: string | undefined): string | undefined {
  const upper = arch?.toUpperCase();
  return upper === undefined || upper.startsWith(PREFIX) ? upper : `${PREFIX}${upper}`;
}

function answerFor(question: Omit<Question, "arch">, target: Target): readonly Answer[] {
  const { syscall, args } = question;
  const number = typeof syscall === "number" ? syscall : numberOf(syscall, target);
  if (number === undefined) return [];
  const name = typeof syscall === "number" ? nameOf(syscall, target) : syscall;
  const shown = Array.from({ length: MAX_ARGUMENTS }, (_, index) => `0x${(args[index] ?? 0n).toString(16)}`);
  const explanation = explainDecision({ ...question, arch: target.arch, syscall: number });
  return [
    { arch: target.arch, ...(name === undefined ? {} : { syscall: name }), number, arguments: shown, ...explanation },
  ];
}

function numberOf(name: string, { column, numberBit }: Target): number | undefined {
  const table = syscallTable();
  const number = Object.hasOwn(table, name) ? (table[name]?.[column] ?? -1) : -1;
  return number === -1 ? undefined : number + numberBit;
}

function nameOf(number: number, { column, numberBit }: Target): string | undefined {
  return Object.entries(syscallTable()).find(
    ([, row]) => row[column] !== -1 && row[column] === number - numberBit,
  )?.[0];
}

/** The answers as text: what is done, why, and every rule about the call, held against the arguments. */
export function answerText(answers: readonly Answer[]): string {
  return `${answers.map(answerLines).join("\n\n")}\n`;
}

function answerLines(given: Answer): string {
  const { arch, syscall, number, action, reason, pointer, rules } = given;
  const call = `${syscall ?? `system call ${number}`}(${given.arguments.join(", ")})`;
  const lines = [
    `${arch}: ${call}, number ${number}: ${action}`,
    `  ${reason} (${propertyPath(pointer)})`,
    ...rules.map((rule) => {
      const tests = rule.conditions.map(({ text, holds }) => `${text}: ${holds ? "yes" : "no"}`);
      const when = tests.length === 0 ? "always" : tests.join("; ");
      return `  ${rule.decides ? "*" : " "} ${propertyPath(rule.pointer)}: ${rule.action}: ${when}`;
    }),
  ];
  return lines.join("\n");
}
