import { BPF, SECCOMP_DATA } from "../../linux/constants/seccomp.ts";
import { RETURN_BAD_ARCH } from "./actions.ts";
import type { CallTable, Decision } from "./calls.ts";
import { type Label, Program } from "./program.ts";
import { type Defaults, type Ranges, rangesOf } from "./ranges.ts";
import { type Branch, buildTree, type Conditional, type Level, type TestNode, type WordTest } from "./tree.ts";

/**
 * The program of a filter: a branch for each architecture, below it a balanced tree over ranges of numbers, below that
 * the tests of arguments.
 * @throws {ContainerError} invalid_argument for rules that conflict, resource_exhausted for too many of them
 */
export function generateProgram(targets: readonly CallTable[], defaults: Defaults): Uint8Array {
  const generator = new Generator(defaults);
  // What is written last is nearest to the start: the native architecture.
  for (let index = targets.length - 1; index >= 0; index--) {
    const token = targets[index]?.target.token ?? 0;
    const group = targets.filter(({ target }) => target.token === token);
    if (group[0] === targets[index]) generator.writeGroup(token, group);
  }
  return generator.finish();
}

/** Where to go, and where to go when the accumulator holds the word at `offset` already. */
interface Entry {
  readonly label: Label;
  readonly offset?: number;
  readonly afterLoad?: Label;
}

class Generator {
  readonly #program = new Program();
  readonly #defaults: Defaults;
  readonly #groups: { readonly token: number; readonly label: Label }[] = [];
  readonly #conditionals = new Map<Conditional, Label>();
  /** Tests that were written, by what they do: equal rules of two architectures share theirs. */
  readonly #tests = new Map<string, Entry>();

  constructor(defaults: Defaults) {
    this.#defaults = defaults;
  }

  /** Writes what is done with the calls of the targets that have this token. */
  writeGroup(token: number, group: readonly CallTable[]): void {
    const ranges = rangesOf(group, this.#defaults);
    // Before the tree, which then stays small enough for its branches.
    for (const decision of ranges.decisions) if (typeof decision !== "number") this.#conditional(decision);
    const tree = this.#tree(ranges, 0, ranges.starts.length - 1);
    this.#groups.push({ token, label: this.#program.load(SECCOMP_DATA.nr, tree) });
  }

  finish(): Uint8Array {
    const program = this.#program;
    let next = program.ret(RETURN_BAD_ARCH);
    for (const { token, label } of this.#groups) next = program.branch(BPF.JEQ, token, label, next);
    program.load(SECCOMP_DATA.arch, next);
    return program.finish();
  }

  /** Searches the ranges from `first` to `last`; the number is in the accumulator. */
  #tree(ranges: Ranges, first: number, last: number): Label {
    const { starts, decisions } = ranges;
    if (first === last) return this.#decide(decisions[first]);
    const middle = (first + last + 1) >> 1;
    const start = starts[middle] ?? 0;
    // One number among others that are treated alike takes one comparison.
    if (last === first + 2 && starts[last] === start + 1 && decisions[first] === decisions[last]) {
      return this.#program.branch(BPF.JEQ, start, this.#decide(decisions[middle]), this.#decide(decisions[first]));
    }
    const above = this.#tree(ranges, middle, last);
    return this.#program.branch(BPF.JGE, start, above, this.#tree(ranges, first, middle - 1));
  }

  #decide(decision: Decision = this.#defaults.value): Label {
    return typeof decision === "number" ? this.#program.ret(decision) : this.#conditional(decision);
  }

  #conditional(decision: Conditional): Label {
    const known = this.#conditionals.get(decision);
    if (known !== undefined) return known;
    const { label } = this.#level(buildTree(decision), { label: this.#program.ret(this.#defaults.value) });
    this.#conditionals.set(decision, label);
    return label;
  }

  #level({ nodes }: Level, after: Entry): Entry {
    let next = after;
    for (let index = nodes.length - 1; index >= 0; index--) {
      const node = nodes[index];
      if (node !== undefined) next = this.#node(node, next);
    }
    return next;
  }

  #node({ test, yes, no }: TestNode, next: Entry): Entry {
    // A word that is masked away compares with nothing.
    if (test.mask === 0) return this.#branch(yes, next);
    return this.#test(test, this.#branch(yes, next), this.#branch(no, next));
  }

  #branch(branch: Branch, next: Entry): Entry {
    if (branch === undefined) return next;
    return branch.kind === "level" ? this.#level(branch, next) : { label: this.#program.ret(branch.rule.value) };
  }

  #test(test: WordTest, yes: Entry, no: Entry): Entry {
    if (yes.label === no.label) return yes;
    const masked = test.mask !== ALL_ONES;
    const labelOf = ({ label, offset, afterLoad }: Entry): Label =>
      offset === test.offset && !masked && afterLoad !== undefined ? afterLoad : label;
    const [whenYes, whenNo] = [labelOf(yes), labelOf(no)];
    const key = `${test.offset} ${test.mask} ${test.op} ${test.value} ${whenYes} ${whenNo}`;
    const known = this.#tests.get(key);
    if (known !== undefined) return known;
    let start = this.#program.branch(OPCODES[test.op], test.value, whenYes, whenNo);
    if (masked) start = this.#program.and(test.mask, start);
    const entry = { label: this.#program.load(test.offset, start), offset: test.offset, afterLoad: start };
    this.#tests.set(key, entry);
    return entry;
  }
}

const ALL_ONES = 0xffff_ffff;

const OPCODES: Readonly<Record<WordTest["op"], number>> = { eq: BPF.JEQ, ge: BPF.JGE, gt: BPF.JGT };
