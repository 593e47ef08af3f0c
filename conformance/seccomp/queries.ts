import { AUDIT_ARCH } from "../../lib/linux/constants/seccomp.ts";
import type { Call, CallTable } from "../../lib/plan/seccomp/calls.ts";
import type { Condition } from "../../lib/plan/seccomp/rules.ts";
import type { SeccompData } from "../../lib/plan/seccomp/simulate.ts";
import { Random } from "./random.ts";

const LAST_NUMBER = 620;
const X32_BIT = 0x4000_0000;

const RARE_NUMBERS = [
  ...[0xf_0000, 0xf_0001, 0xf_0002, 0xf_0005, 0xf_0006, 0xf_0007, 0x3fff_ffff, 0x7fff_ffff, 0x8000_0000, 0xbfff_ffff],
  ...[0xc000_0000, 0xffff_fffe, 0xffff_ffff],
];

const UNKNOWN_TOKEN = 0xc000_1234;

/** How many combinations of arguments are asked of a call whose rules look at several. */
const COMBINATIONS = 120;

/** Every number of every architecture, with the arguments at which the answer of a rule changes. */
export function* queriesOf(tables: readonly CallTable[], seed: number): Generator<SeccompData> {
  const random = new Random(seed);
  const numbers = [...Array(LAST_NUMBER).keys(), ...RARE_NUMBERS];
  const withX32 = [...numbers, ...[...Array(LAST_NUMBER).keys()].map((number) => X32_BIT + number)];
  for (const token of new Set(tables.map(({ target }) => target.token))) {
    for (const nr of token === AUDIT_ARCH.AUDIT_ARCH_X86_64 ? withX32 : numbers) {
      const conditions = (findCall(tables, token, nr)?.call.rules ?? []).flatMap((rule) => rule.conditions);
      for (const args of argumentsFor(conditions, random)) yield { nr, arch: token, args };
    }
  }
  for (const nr of [0, 1, 59]) yield { nr, arch: UNKNOWN_TOKEN, args: [] };
}

/** What the profile says of a number on the architectures with this token. */
export function findCall(
  tables: readonly CallTable[],
  token: number,
  nr: number,
): { readonly table: CallTable; readonly call: Call } | undefined {
  for (const table of tables) {
    const call = table.target.token === token ? table.find(nr) : undefined;
    if (call !== undefined) return { table, call };
  }
  return undefined;
}

function argumentsFor(conditions: readonly Condition[], random: Random): readonly (readonly bigint[])[] {
  if (conditions.length === 0) return [[0n, 0n, 0n, 0n, 0n, 0n]];
  const edges = Array.from({ length: 6 }, (_, index) => edgesOf(conditions.filter((each) => each.index === index)));
  const size = edges.reduce((total, values) => total * values.length, 1);
  if (size <= COMBINATIONS) return product(edges);
  return Array.from({ length: COMBINATIONS }, () => edges.map((values) => random.pick([values[0] ?? 0n, ...values])));
}

function product(lists: readonly (readonly bigint[])[]): readonly (readonly bigint[])[] {
  return lists.reduce<readonly (readonly bigint[])[]>(
    (rows, values) => rows.flatMap((row) => values.map((value) => [...row, value])),
    [[]],
  );
}

const WORD = 2n ** 32n;

/** Values around those the conditions compare with, also with another high word. */
function edgesOf(conditions: readonly Condition[]): readonly bigint[] {
  const values = new Set([0n]);
  for (const { value, mask } of conditions) {
    const unmasked = BigInt.asUintN(64, -1n - mask);
    for (const base of [value, value + unmasked, value + mask]) {
      for (const near of [base - 1n, base, base + 1n, base + WORD, base - WORD, base % WORD, base + 5n * WORD]) {
        values.add(BigInt.asUintN(64, near));
      }
    }
  }
  return [...values];
}
