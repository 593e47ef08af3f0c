import { IPCCALL, SOCKETCALL } from "../../linux/constants/seccomp.ts";
import { syscallTable } from "../../linux/constants/seccomp-syscalls.ts";
import type { Seccomp } from "../../spec/seccomp.ts";
import { returnValue } from "./actions.ts";
import { multiplexed, type Rule, readEntry, withoutIdle } from "./rules.ts";
import type { Target } from "./targets.ts";
import type { Conditional } from "./tree.ts";

/** What is done with a system call: return a value, or look at its arguments. */
export type Decision = number | Conditional;

/** What a profile says of a system call of one target. */
export interface Call {
  readonly decision: Decision;
  /** In the profile's order; when there is one without conditions, it is the only one. */
  readonly rules: readonly Rule[];
}

/**
 * Reads a profile as runc does: names nobody knows and rules that repeat the default are passed over.
 * The tables are in the order of `targets`.
 */
export function readCalls(
  seccomp: Seccomp,
  targets: readonly Target[],
  exact: ReadonlyMap<string, bigint>,
): readonly CallTable[] {
  const defaultValue = returnValue(seccomp.defaultAction, seccomp.defaultErrnoRet);
  const tables = targets.map((target) => new CallTable(target));
  const entries = seccomp.syscalls ?? [];
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index];
    if (entry === undefined) continue;
    const repeats = returnValue(entry.action, entry.errnoRet) === defaultValue;
    const rules = repeats ? [] : readEntry(entry, index, exact);
    for (const table of tables) table.addEntry(entry.names, rules);
  }
  return tables;
}

/** Numbers below this are kept in an array; only arm has others. */
const SLOTS = 1024;

/**
 * The part of a profile that concerns one target. A profile names some hundred calls for each of several targets, in a
 * process that has just begun and interprets every line: for most of them adding is one assignment.
 */
export class CallTable {
  readonly target: Target;
  /** The highest number among all names of the profile, whatever their action; -1: none has one. */
  largest = -1;
  /** By number, without the bit that all numbers of the target have. */
  readonly slots: (Call | undefined)[] = [];
  /** The calls whose numbers are too high for a slot. */
  readonly rare = new Map<number, Call>();

  constructor(target: Target) {
    this.target = target;
  }

  /** What is said of a number, which has the target's bit. */
  find(number: number): Call | undefined {
    return this.slots[number - this.target.numberBit] ?? this.rare.get(number);
  }

  /** Adds what an entry says; no rules when it says what the default says. */
  addEntry(names: readonly string[], rules: readonly Rule[]): void {
    const { column, numberBit, multiplexers } = this.target;
    const own = rules.map((rule) => withoutIdle(rule, this.target));
    const shared = callWithout(own);
    const { slots } = this;
    const table = syscallTable();
    let largest = -1;
    for (const name of names) {
      const slot = table[name]?.[column] ?? -1;
      if (slot > largest) largest = slot;
      if (shared !== undefined && slots[slot] === undefined && slot < SLOTS && slot >= 0) slots[slot] = shared;
      else if (slot !== -1) this.#add(slot, name, own, shared);
      if (multiplexers !== undefined) this.#addMultiplexed(name, multiplexers, own);
    }
    if (largest !== -1) this.largest = Math.max(this.largest, largest + numberBit);
  }

  /** The first rule without conditions takes all of a call, before and after it was given others. */
  #add(slot: number, name: string, own: readonly Rule[], shared: Call | undefined): void {
    const number = slot + this.target.numberBit;
    const before = this.find(number);
    if (own.length === 0 || typeof before?.decision === "number") return;
    const rules = before === undefined ? own : [...before.rules, ...own];
    const call = shared ?? { decision: { name, bits: this.target.bits, rules }, rules };
    if (slot < SLOTS) this.slots[slot] = call;
    else this.rare.set(number, call);
  }

  /** As with libseccomp, the family's call takes the place of the first argument, whatever that is compared with. */
  #addMultiplexed(name: string, numbers: NonNullable<Target["multiplexers"]>, rules: readonly Rule[]): void {
    const subcall = SOCKETCALL[name] ?? IPCCALL[name];
    if (subcall === undefined) return;
    const family = SOCKETCALL[name] === undefined ? "ipc" : "socketcall";
    const number = numbers[family];
    if (number > this.largest) this.largest = number;
    const own = rules.map((rule) => multiplexed(rule, subcall));
    this.#add(number, family, own, undefined);
  }
}

/** What the first rule without conditions makes of a call. */
function callWithout(rules: readonly Rule[]): Call | undefined {
  for (const rule of rules) if (rule.conditions.length === 0) return { decision: rule.value, rules: [rule] };
  return undefined;
}
