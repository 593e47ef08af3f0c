import { X32_SYSCALL_BIT } from "../../linux/constants/seccomp.ts";
import { RETURN_BAD_ARCH, RETURN_ENOSYS } from "./actions.ts";
import type { CallTable, Decision } from "./calls.ts";

/** All numbers, cut where the decision changes. */
export interface Ranges {
  /** Where each range begins, ascending, the first at 0; it ends where the next begins. */
  readonly starts: readonly number[];
  readonly decisions: readonly Decision[];
}

/** How numbers are treated that no rule is about. */
export interface Defaults {
  readonly value: number;
  /** Numbers above all that the profile names are answered with ENOSYS. */
  readonly stub: boolean;
}

/** The number that tells seccomp about a system call a tracer has cancelled. */
const CANCELLED = 0xffff_ffff;
const END = 2 ** 32;

/** The ranges of the targets that share one token: one target, or x86-64 and x32. */
export function rangesOf(group: readonly CallTable[], defaults: Defaults): Ranges {
  const ranges = new RangeList(zonesOf(group, defaults));
  const { x32, other } = membersOf(group);
  // Ascending: x32 has the higher numbers.
  for (const table of [other, x32]) {
    if (table !== undefined) ranges.addTable(table);
  }
  ranges.fill(END);
  return ranges;
}

/** From `start` on, numbers without a rule get `decision`. */
interface Zone {
  readonly start: number;
  readonly decision: Decision;
}

class RangeList implements Ranges {
  readonly starts: number[] = [];
  readonly decisions: Decision[] = [];
  readonly #zones: readonly Zone[];
  /** The zone of the number before `#next`. */
  #zone = 0;
  #next = 0;

  constructor(zones: readonly Zone[]) {
    this.#zones = zones;
  }

  addTable({ slots, rare, target }: CallTable): void {
    let last: Decision | undefined;
    for (let slot = 0; slot < slots.length; slot++) {
      const decision = slots[slot]?.decision;
      // Most numbers are treated as the one before.
      if (decision !== undefined && decision === last) this.#next += 1;
      else if (decision !== undefined) this.#add(slot + target.numberBit, decision);
      last = decision;
    }
    if (rare.size === 0) return;
    for (const [number, { decision }] of [...rare].sort(([a], [b]) => a - b)) this.#add(number, decision);
  }

  #add(number: number, decision: Decision): void {
    if (number > this.#next) this.fill(number);
    this.#push(number, decision);
    this.#next = number + 1;
  }

  /** Numbers up to `end` have no rules. */
  fill(end: number): void {
    const zones = this.#zones;
    for (let start = this.#next; start < end; ) {
      while ((zones[this.#zone + 1]?.start ?? END) <= start) this.#zone += 1;
      this.#push(start, zones[this.#zone]?.decision ?? RETURN_BAD_ARCH);
      start = zones[this.#zone + 1]?.start ?? END;
    }
    this.#next = end;
  }

  #push(start: number, decision: Decision): void {
    if (this.decisions[this.decisions.length - 1] === decision) return;
    this.starts.push(start);
    this.decisions.push(decision);
  }
}

/** The decisions for numbers without a rule, as libseccomp makes them behind runc's stub. */
function zonesOf(group: readonly CallTable[], { value, stub }: Defaults): readonly Zone[] {
  const { x32, other } = membersOf(group);
  const zone = (start: number, decision: Decision): Zone => ({ start, decision });
  const beyond = (table: CallTable | undefined): readonly Zone[] =>
    hasStub(table, stub) ? [zone(table.largest + 1, RETURN_ENOSYS)] : [];
  if (x32 === undefined && other?.target.arch !== "SCMP_ARCH_X86_64") return [zone(0, value), ...beyond(other)];
  const foreign = x32 === undefined ? RETURN_BAD_ARCH : value;
  const missing = hasStub(x32, stub) ? RETURN_ENOSYS : undefined;
  return [
    zone(0, other === undefined ? RETURN_BAD_ARCH : value),
    ...beyond(other),
    zone(X32_SYSCALL_BIT, foreign),
    ...beyond(x32),
    // Above, bit 30 alone tells runc's stub which of the two it is.
    zone(2 * X32_SYSCALL_BIT, hasStub(other, stub) ? RETURN_ENOSYS : foreign),
    zone(3 * X32_SYSCALL_BIT, missing ?? foreign),
    zone(CANCELLED, missing ?? value),
  ];
}

function membersOf(group: readonly CallTable[]): { x32: CallTable | undefined; other: CallTable | undefined } {
  let x32: CallTable | undefined;
  let other: CallTable | undefined;
  for (const table of group) {
    if (table.target.arch === "SCMP_ARCH_X32") x32 = table;
    else other = table;
  }
  return { x32, other };
}

/** runc: a profile whose highest number is 0 names no system call. */
function hasStub(table: CallTable | undefined, stub: boolean): table is CallTable {
  return stub && table !== undefined && table.largest > table.target.numberBit;
}
