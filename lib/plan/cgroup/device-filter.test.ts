import { expect } from "chai";
import { describe, it } from "mocha";
import type { DeviceRule } from "../../spec/resources.ts";
import { deviceFilter } from "./device-filter.ts";

const MKNOD = 1;
const READ = 2;
const WRITE = 4;
const MAX_STEPS = 10_000;

/** bpf(2): runs the few instructions a device filter is made of. */
function simulate(code: Uint8Array, type: "b" | "c", access: number, major: number, minor: number): number {
  const view = new DataView(code.buffer);
  const context = [(access << 16) | (type === "b" ? 1 : 2), major, minor];
  const registers = new Array<number>(11).fill(0);
  const get = (index: number) => registers[index] ?? 0;
  for (let at = 0, steps = 0; steps < MAX_STEPS; steps++) {
    const to = view.getUint8(8 * at + 1) & 15;
    const from = view.getUint8(8 * at + 1) >> 4;
    const offset = view.getInt16(8 * at + 2, true);
    const value = view.getInt32(8 * at + 4, true);
    at++;
    switch (view.getUint8(8 * (at - 1))) {
      case 0x61:
        registers[to] = context[offset / 4] ?? Number.NaN;
        break;
      case 0x54:
        registers[to] = get(to) & value;
        break;
      case 0x74:
        registers[to] = get(to) >>> value;
        break;
      case 0xbc:
        registers[to] = get(from);
        break;
      case 0xb7:
        registers[to] = value;
        break;
      case 0x55:
        if (get(to) !== value) at += offset;
        break;
      case 0x5d:
        if (get(to) !== get(from)) at += offset;
        break;
      case 0x15:
        if (get(to) === value) at += offset;
        break;
      case 0x95:
        return get(0);
      default:
        throw new Error(`unknown instruction ${view.getUint8(8 * (at - 1))}`);
    }
  }
  throw new Error("the filter does not end");
}

interface Case {
  readonly name: string;
  readonly rules: readonly DeviceRule[];
  readonly asks: readonly (readonly [type: "b" | "c", access: number, major: number, minor: number, allowed: 0 | 1])[];
}

const NULL: DeviceRule = { allow: true, type: "c", major: 1, minor: 3, access: "rwm" };

const CASES: readonly Case[] = [
  { name: "denies what no rule speaks of", rules: [], asks: [["c", READ, 1, 3, 0]] },
  {
    name: "allows one device and no other",
    rules: [NULL],
    asks: [
      ["c", READ | WRITE, 1, 3, 1],
      ["c", MKNOD, 1, 3, 1],
      ["b", READ, 1, 3, 0],
      ["c", READ, 1, 5, 0],
      ["c", READ, 2, 3, 0],
    ],
  },
  {
    name: "lets the last rule decide",
    rules: [
      { allow: true, access: "rwm" },
      { ...NULL, allow: false },
    ],
    asks: [
      ["c", READ, 1, 3, 0],
      ["c", READ, 1, 5, 1],
    ],
  },
  {
    name: "wants all accesses allowed",
    rules: [{ ...NULL, access: "r" }],
    asks: [
      ["c", READ, 1, 3, 1],
      ["c", READ | WRITE, 1, 3, 0],
    ],
  },
  {
    name: "needs one access denied",
    rules: [
      { allow: true, access: "rwm" },
      { ...NULL, allow: false, access: "w" },
    ],
    asks: [
      ["c", READ, 1, 3, 1],
      ["c", READ | WRITE, 1, 3, 0],
    ],
  },
  {
    name: "takes -1 and nothing for any number",
    rules: [
      { allow: true, type: "b", major: 7, minor: -1, access: "rw" },
      { allow: true, type: "c", access: "m" },
    ],
    asks: [
      ["b", READ, 7, 12, 1],
      ["b", READ, 8, 12, 0],
      ["c", MKNOD, 200, 1, 1],
      ["c", READ, 200, 1, 0],
    ],
  },
];

describe("deviceFilter()", () => {
  for (const { name, rules, asks } of CASES) {
    it(name, () => {
      const code = deviceFilter(rules);
      expect(asks.map(([type, access, major, minor]) => simulate(code, type, access, major, minor))).to.deep.equal(
        asks.map(([, , , , allowed]) => allowed),
      );
    });
  }
});
