import { syscallTable } from "../../lib/linux/constants/seccomp-syscalls.ts";
import type { Architecture } from "../../lib/linux/constants/syscalls.ts";
import { describeReturn, RETURN_ENOSYS } from "../../lib/plan/seccomp/actions.ts";
import { type CallTable, readCalls } from "../../lib/plan/seccomp/calls.ts";
import { compileFilter, defaultsOf } from "../../lib/plan/seccomp/filter.ts";
import { generateProgram } from "../../lib/plan/seccomp/generate.ts";
import { type Condition, holds, type Rule } from "../../lib/plan/seccomp/rules.ts";
import { decodeProgram, encodeData, type SeccompData, simulate } from "../../lib/plan/seccomp/simulate.ts";
import { targetsOf } from "../../lib/plan/seccomp/targets.ts";
import type { Seccomp, SeccompSyscall } from "../../lib/spec/seccomp.ts";
import type { Oracle } from "./oracle.ts";
import { findCall, queriesOf } from "./queries.ts";

/** A profile for an architecture, and what it is called. */
export interface Subject {
  readonly name: string;
  readonly seccomp: Seccomp;
  readonly architecture: Architecture;
  readonly exact: ReadonlyMap<string, bigint>;
  readonly seed: number;
}

/** What a comparison found. */
export interface Comparison {
  /** Decisions that must not be; none in a good run. */
  readonly faults: readonly string[];
  readonly queries: number;
  /** Queries that libseccomp decides otherwise for a reason that is known, by reason. */
  readonly known: ReadonlyMap<string, number>;
  /** Instructions: ours without the stub, and libseccomp's. */
  readonly sizes?: readonly [number, number];
  /** Both refuse the profile. */
  readonly refused?: true;
}

const MAX_FAULTS = 5;

/** Asks both filters about everything; see explainDifference() for what may differ. */
export function compare(subject: Subject, oracle: Oracle): Comparison {
  const { seccomp, architecture, exact } = subject;
  const tables = readCalls(seccomp, targetsOf(seccomp, architecture), exact);
  const opinion = oracle.compile(seccomp, architecture, exact);
  const own = attempt(() => generateProgram(tables, { ...defaultsOf(seccomp), stub: false }));
  if ("refused" in opinion || own === undefined) {
    return compareRefusals("refused" in opinion ? opinion.refused : undefined, own === undefined, tables);
  }
  const ours = decodeProgram(own);
  if ("died" in opinion) {
    const alone = comparePrograms(subject, oracle, tables, [ours, ours]);
    return { ...alone, known: new Map([["libseccomp never finishes the profile", 1]]) };
  }
  const theirs = decodeProgram(opinion.program);
  return { ...comparePrograms(subject, oracle, tables, [ours, theirs]), sizes: [ours.length / 2, theirs.length / 2] };
}

function nothing(but: Partial<Comparison>): Comparison {
  return { faults: [], queries: 0, known: new Map(), ...but };
}

function comparePrograms(
  subject: Subject,
  oracle: Oracle,
  tables: readonly CallTable[],
  [ours, theirs]: readonly [Uint32Array, Uint32Array],
): Comparison {
  const known = new Map<string, number>();
  const faults: string[] = [];
  let queries = 0;
  for (const query of queriesOf(tables, subject.seed)) {
    queries += 1;
    const words = encodeData(query);
    const [mine, other] = [simulate(ours, words).value, simulate(theirs, words).value];
    const matching = matchingRules(tables, query);
    const wanted = wantedValues(matching, subject.seccomp);
    if (wanted?.has(mine) === false) faults.push(`${describe(query)}: no rule says ${describeReturn(mine)}`);
    if (mine === other) continue;
    const reason = explainDifference({ subject, oracle, query, mine, other, matching, wanted });
    if (reason === undefined) faults.push(`${describe(query)}: ${describeReturn(mine)}, not ${describeReturn(other)}`);
    else known.set(reason, (known.get(reason) ?? 0) + 1);
    if (faults.length >= MAX_FAULTS) break;
  }
  return { faults, queries, known };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** What libseccomp does not let pass although it comes to nothing. */
function compareRefusals(refusal: string | undefined, ours: boolean, tables: readonly CallTable[]): Comparison {
  if (refusal !== undefined && ours) return nothing({ refused: true });
  if (refusal === undefined) return nothing({ faults: ["only ours refuses the profile"] });
  const name = refusal.split(" ")[3] ?? "";
  const isForeign = tables.some(({ target }) => (syscallTable()[name]?.[target.column] ?? -1) === -1);
  const isSettled = tables.some(({ slots }) => slots.some((call) => typeof call?.decision === "number"));
  if (isForeign) return nothing({ known: new Map([["libseccomp refuses rules for a call no target has", 1]]) });
  if (isSettled) return nothing({ known: new Map([["a later rule settles what libseccomp refuses", 1]]) });
  return nothing({ faults: [`only libseccomp refuses the profile: ${refusal}`] });
}

interface Matching {
  readonly name: string;
  readonly table: CallTable;
  readonly rules: readonly Rule[];
}

function matchingRules(tables: readonly CallTable[], { arch, nr, args }: SeccompData): Matching | undefined {
  const found = findCall(tables, arch, nr);
  if (found === undefined) return undefined;
  const { table, call } = found;
  const matches = ({ index, ...condition }: Condition): boolean =>
    holds({ index, ...condition }, args[index] ?? 0n, table.target.bits);
  const name = typeof call.decision === "number" ? "" : call.decision.name;
  return { name, table, rules: call.rules.filter(({ conditions }) => conditions.every(matches)) };
}

/** The values a filter may return by the profile alone; undefined: no rule is about the number. */
function wantedValues(matching: Matching | undefined, seccomp: Seccomp): ReadonlySet<number> | undefined {
  if (matching === undefined) return undefined;
  if (matching.rules.length === 0) return new Set([defaultsOf(seccomp).value]);
  return new Set(matching.rules.map(({ value }) => value));
}

interface Difference {
  readonly subject: Subject;
  readonly oracle: Oracle;
  readonly query: SeccompData;
  readonly mine: number;
  readonly other: number;
  readonly matching: Matching | undefined;
  readonly wanted: ReadonlySet<number> | undefined;
}

/** Faults of libseccomp 2.5.4 that ours does not repeat; undefined: the difference is none of them. */
function explainDifference(difference: Difference): string | undefined {
  const { other, matching, wanted } = difference;
  if (matching === undefined || wanted === undefined) return undefined;
  if (!wanted.has(other)) return "libseccomp does what no rule that matches says";
  if (changesWithoutOthers(difference, matching)) return "rules that do not match change libseccomp's decision";
  if (matching.rules.some(({ conditions }) => conditions.slice(0, -1).some(isBranching))) {
    return "libseccomp merges what follows a comparison of order with what follows another";
  }
  if (haveCommonBound(matching.rules)) return "libseccomp keeps the bound of the first of several on the high word";
  return undefined;
}

/** Asks libseccomp again, of the rules that match only. */
function changesWithoutOthers({ subject, oracle, query, mine }: Difference, { name, rules }: Matching): boolean {
  const exact = new Map<string, bigint>();
  const syscalls = rules.map(({ entry, conditions }, index): SeccompSyscall => {
    const args = conditions.map((condition, arg) => {
      const at = `/linux/seccomp/syscalls/${index}/args/${arg}`;
      const isMasked = condition.op === "SCMP_CMP_MASKED_EQ";
      exact.set(`${at}/value`, isMasked ? condition.mask : condition.value).set(`${at}/valueTwo`, condition.value);
      return { index: condition.index, op: condition.op, value: 0 };
    });
    const { action = "SCMP_ACT_KILL", errnoRet } = subject.seccomp.syscalls?.[entry] ?? {};
    return { names: [name], action, args, ...(errnoRet === undefined ? {} : { errnoRet }) };
  });
  const opinion = oracle.compile({ ...subject.seccomp, syscalls }, subject.architecture, exact);
  return "program" in opinion && simulate(decodeProgram(opinion.program), encodeData(query)).value === mine;
}

/** More than one way through the words satisfies it. */
function isBranching({ op }: Condition): boolean {
  return op !== "SCMP_CMP_EQ" && op !== "SCMP_CMP_MASKED_EQ";
}

const WORD = 2n ** 32n;

function haveCommonBound(rules: readonly Rule[]): boolean {
  const words = rules
    .flatMap(({ conditions }) => conditions.filter(isBranching))
    .map(({ index, value }) => `${index} ${value / WORD}`);
  return new Set(words).size < words.length;
}

function describe({ nr, arch, args }: SeccompData): string {
  return `arch 0x${arch.toString(16)}, call ${nr} (${args.map((arg) => `0x${arg.toString(16)}`).join(", ")})`;
}

/** The stub against its rule, which is written down here a second time; the rest of the filter against the one without. */
export function compareStub({ seccomp, architecture, exact, seed }: Subject): readonly string[] {
  const tables = readCalls(seccomp, targetsOf(seccomp, architecture), exact);
  const plain = decodeProgram(generateProgram(tables, { ...defaultsOf(seccomp), stub: false }));
  const full = decodeProgram(compileFilter(seccomp, architecture, exact).program);
  const isUseful = ["SCMP_ACT_ERRNO", "SCMP_ACT_TRAP"].includes(seccomp.defaultAction) || isKill(seccomp);
  const faults: string[] = [];
  for (const query of queriesOf(tables, seed)) {
    const words = encodeData(query);
    const isNew = isUseful && isBeyond(tables, query);
    const wanted = isNew ? RETURN_ENOSYS : simulate(plain, words).value;
    const { value } = simulate(full, words);
    if (value !== wanted) faults.push(`${describe(query)}: ${describeReturn(value)}, not ${describeReturn(wanted)}`);
    if (faults.length >= MAX_FAULTS) break;
  }
  return faults;
}

function isKill({ defaultAction }: Seccomp): boolean {
  return defaultAction.startsWith("SCMP_ACT_KILL");
}

const X32_BIT = 0x4000_0000;

/** runc's stub: bit 30 of the number chooses between x86-64 and x32. */
function isBeyond(tables: readonly CallTable[], { nr, arch }: SeccompData): boolean {
  const hasBit = Math.floor(nr / X32_BIT) % 2 === 1;
  const members = tables.filter(({ target }) => target.token === arch);
  const pair = members.some(({ target }) => target.arch === "SCMP_ARCH_X86_64" || target.arch === "SCMP_ARCH_X32");
  const table = members.find(({ target }) => !pair || (target.arch === "SCMP_ARCH_X32") === hasBit);
  if (table === undefined || table.largest <= table.target.numberBit) return false;
  return nr > table.largest;
}
