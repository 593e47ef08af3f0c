import { ContainerError } from "../../errors.ts";
import { propertyPath } from "../../json-pointer.ts";
import { SECCOMP_DATA } from "../../linux/constants/seccomp.ts";
import type { SeccompOperator } from "../../spec/seccomp.ts";
import { type Condition, entryPointer, type Rule } from "./rules.ts";

/** A comparison of one 32-bit word of an argument, as BPF can make it. */
export interface WordTest {
  /** Offset in `struct seccomp_data`. */
  readonly offset: number;
  readonly op: "eq" | "ge" | "gt";
  readonly value: number;
  /** Applied to the word first; all ones: none. */
  readonly mask: number;
  readonly masked: boolean;
  /** Where it stands among the words of a rule: 2 * index, + 1 for the high word, which is compared first. */
  readonly position: number;
  readonly from: Condition;
}

/** What follows a test: a verdict, more tests, or (undefined) the next test of the same level. */
export type Branch = Verdict | Level | undefined;

export interface Verdict {
  readonly kind: "verdict";
  readonly rule: Rule;
}

/** Tests in the order they are made; when none comes to a verdict, the level above goes on. */
export interface Level {
  readonly kind: "level";
  readonly nodes: readonly TestNode[];
}

export interface TestNode {
  readonly test: WordTest;
  readonly yes: Branch;
  readonly no: Branch;
}

/** A system call with rules that have conditions, and how much of the arguments they compare. */
export interface Conditional {
  readonly name: string;
  readonly bits: 32 | 64;
  readonly rules: readonly Rule[];
}

/**
 * The order in which the rules of one system call are tried is that of libseccomp, which is not that of the profile:
 * the higher first argument before the lower, (masked) equality before "less" before "greater", then the value that
 * says more, each word by word; rules that begin with the same tests share them. Of two that end alike the first stays.
 * @throws {ContainerError} invalid_argument where libseccomp refuses the second of two rules
 */
export function buildTree({ name, bits, rules }: Conditional): Level {
  const root: MutableLevel = { kind: "level", nodes: [] };
  for (const rule of rules) {
    if (isCovered(rule, rules, bits)) continue;
    for (const path of pathsOf(rule.conditions, bits)) {
      const rival = insert(root, path, 0, rule);
      if (rival !== undefined) throw conflict(name, rival, rule);
    }
  }
  return root;
}

/** A rule that wants the same with fewer conditions is tried earlier; this one could only stand against others. */
function isCovered({ value, conditions }: Rule, rules: readonly Rule[], bits: 32 | 64): boolean {
  if (conditions.length === 1) return false;
  const wants = (wanted: Condition): boolean => conditions.some((own) => isSameCondition(own, wanted, bits));
  return rules.some((other) => {
    return other.value === value && other.conditions.length < conditions.length && other.conditions.every(wants);
  });
}

function isSameCondition(a: Condition, b: Condition, bits: 32 | 64): boolean {
  if (a.index !== b.index || a.op !== b.op) return false;
  return BigInt.asUintN(bits, a.value ^ b.value) === 0n && BigInt.asUintN(bits, a.mask ^ b.mask) === 0n;
}

function conflict(name: string, ...rules: readonly Rule[]): ContainerError {
  const entries = rules.map((rule) => propertyPath(entryPointer(rule))).join(" and ");
  const why = `${entries} want different actions for the same arguments of ${name}`;
  return new ContainerError("invalid_argument", `cannot compile the seccomp profile: ${why}`);
}

interface MutableLevel extends Level {
  readonly nodes: MutableNode[];
}

interface MutableNode extends TestNode {
  yes: Verdict | MutableLevel | undefined;
  no: Verdict | MutableLevel | undefined;
}

interface PathStep {
  readonly test: WordTest;
  readonly outcome: "yes" | "no";
}

type Path = readonly PathStep[];

/** All ways through the words that satisfy every condition; no two of them at once. */
function pathsOf(conditions: readonly Condition[], bits: 32 | 64): readonly Path[] {
  let paths: readonly Path[] = [[]];
  for (const condition of conditions) {
    const longer: Path[] = [];
    for (const path of paths) {
      for (const way of bits === 64 ? ways64(condition) : [way32(condition)]) longer.push([...path, ...way]);
    }
    paths = longer;
  }
  return paths;
}

const WORD_BITS = 32n;

function wordTest(from: Condition, high: boolean, op: WordTest["op"]): WordTest {
  const shift = high ? WORD_BITS : 0n;
  return {
    offset: SECCOMP_DATA.args + 8 * from.index + (high ? 4 : 0),
    op,
    value: Number(BigInt.asUintN(32, from.value >> shift)),
    mask: Number(BigInt.asUintN(32, from.mask >> shift)),
    masked: from.op === "SCMP_CMP_MASKED_EQ",
    position: 2 * from.index + (high ? 1 : 0),
    from,
  };
}

/** The test of the low word, and the outcome that satisfies the condition when the high words are equal. */
const LOW_WORD: Readonly<Record<SeccompOperator, readonly [WordTest["op"], "yes" | "no"]>> = {
  SCMP_CMP_NE: ["eq", "no"],
  SCMP_CMP_LT: ["ge", "no"],
  SCMP_CMP_LE: ["gt", "no"],
  SCMP_CMP_EQ: ["eq", "yes"],
  SCMP_CMP_GE: ["ge", "yes"],
  SCMP_CMP_GT: ["gt", "yes"],
  SCMP_CMP_MASKED_EQ: ["eq", "yes"],
};

function way32(condition: Condition): Path {
  const [op, outcome] = LOW_WORD[condition.op];
  return [{ test: wordTest(condition, false, op), outcome }];
}

function ways64(condition: Condition): readonly Path[] {
  const low = way32(condition);
  const same = wordTest(condition, true, "eq");
  const whenSame: PathStep = { test: same, outcome: "yes" };
  const above = wordTest(condition, true, "gt");
  const notAbove: PathStep = { test: above, outcome: "no" };
  switch (condition.op) {
    case "SCMP_CMP_EQ":
    case "SCMP_CMP_MASKED_EQ":
      return [[whenSame, ...low]];
    case "SCMP_CMP_NE":
      return [[{ test: same, outcome: "no" }], [whenSame, ...low]];
    case "SCMP_CMP_GT":
    case "SCMP_CMP_GE":
      return [[{ test: above, outcome: "yes" }], [notAbove, whenSame, ...low]];
    case "SCMP_CMP_LT":
    case "SCMP_CMP_LE":
      return [
        [notAbove, { test: same, outcome: "no" }],
        [notAbove, whenSame, ...low],
      ];
  }
}

/** Adds a path to a level. Gives the rule that stands against it, if there is one. */
function insert(level: MutableLevel, path: Path, at: number, rule: Rule): Rule | undefined {
  const step = path[at];
  if (step === undefined) return undefined;
  const node = findOrAdd(level.nodes, step.test);
  const branch = node[step.outcome];
  if (at === path.length - 1) {
    const rival = findRival(branch, rule, step);
    if (rival === undefined) node[step.outcome] = settle(branch, rule, step);
    return rival;
  }
  // A shorter rule has decided before this one gets to its other conditions.
  if (branch?.kind === "verdict") return undefined;
  const next: MutableLevel = branch ?? { kind: "level", nodes: [] };
  node[step.outcome] = next;
  return insert(next, path, at + 1, rule);
}

function findOrAdd(nodes: MutableNode[], test: WordTest): MutableNode {
  let at = 0;
  for (; at < nodes.length; at++) {
    const node = nodes[at];
    if (node === undefined) break;
    if (isSame(node.test, test)) return node;
    if (comesBefore(test, node.test)) break;
  }
  const added: MutableNode = { test, yes: undefined, no: undefined };
  nodes.splice(at, 0, added);
  return added;
}

function isSame(a: WordTest, b: WordTest): boolean {
  return (
    a.position === b.position && a.op === b.op && a.masked === b.masked && a.value === b.value && a.mask === b.mask
  );
}

const RANKS: Readonly<Record<SeccompOperator, number>> = {
  SCMP_CMP_MASKED_EQ: 3,
  SCMP_CMP_EQ: 3,
  SCMP_CMP_NE: 3,
  SCMP_CMP_LE: 2,
  SCMP_CMP_LT: 2,
  SCMP_CMP_GE: 1,
  SCMP_CMP_GT: 1,
};

function comesBefore(a: WordTest, b: WordTest): boolean {
  if (a.position !== b.position) return a.position > b.position;
  const rank = RANKS[a.from.op];
  if (rank !== RANKS[b.from.op]) return rank > RANKS[b.from.op];
  return rank === RANKS.SCMP_CMP_LT ? a.value < b.value : a.value > b.value;
}

/** A rule on this branch that wants something else and does not give way. */
function findRival(branch: Branch, rule: Rule, { test }: PathStep): Rule | undefined {
  if (branch?.kind === "level") return verdictsOf(branch).find(({ value }) => value !== rule.value);
  if (branch === undefined || branch.rule.value === rule.value) return undefined;
  // On the high word both match, and the low word does not tell them apart any more.
  return test.position % 2 === 0 ? branch.rule : undefined;
}

function verdictsOf(branch: Branch): readonly Rule[] {
  if (branch === undefined) return [];
  if (branch.kind === "verdict") return [branch.rule];
  return branch.nodes.flatMap(({ yes, no }) => [...verdictsOf(yes), ...verdictsOf(no)]);
}

/** What a branch says once `rule` also ends there. */
function settle(branch: Branch, rule: Rule, { test }: PathStep): Verdict {
  if (branch?.kind !== "verdict") return { kind: "verdict", rule };
  return saysMore(rule, branch.rule, test.from.index) ? { kind: "verdict", rule } : branch;
}

/** Whether the bound of `a` is the narrower one. */
function saysMore(a: Rule, b: Rule, index: number): boolean {
  const of = (rule: Rule): Condition | undefined => rule.conditions.find((condition) => condition.index === index);
  const first = of(a);
  const second = of(b);
  if (first === undefined || second === undefined) return false;
  if (RANKS[first.op] === RANKS.SCMP_CMP_GT) return first.value > second.value;
  return RANKS[first.op] === RANKS.SCMP_CMP_LT && first.value < second.value;
}
