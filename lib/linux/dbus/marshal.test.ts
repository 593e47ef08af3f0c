import { expect } from "chai";
import type { BusValue } from "../constants/dbus.ts";
import { BusReader, BusWriter } from "./marshal.ts";
import { splitSignature } from "./signature.ts";

function bytesOf(signature: string, ...values: readonly BusValue[]): Uint8Array {
  const writer = new BusWriter();
  writer.writeAll(signature, values);
  return writer.bytes;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("BusWriter", () => {
  const layouts: readonly { readonly name: string; signature: string; values: readonly BusValue[]; bytes: string }[] = [
    { name: "numbers", signature: "yqu", values: [1, 2, 3], bytes: "01000200" + "03000000" },
    { name: "negative numbers", signature: "ni", values: [-2, -3], bytes: "feff0000fdffffff" },
    {
      name: "64 bits on their boundary",
      signature: "yt",
      values: [1, 0xffff_ffff_ffff_ffffn],
      bytes: `01${"00".repeat(7)}${"ff".repeat(8)}`,
    },
    { name: "a string with its NUL", signature: "s", values: ["ab"], bytes: "02000000616200" },
    { name: "a string counted in bytes", signature: "s", values: ["é"], bytes: "02000000c3a900" },
    { name: "a signature", signature: "g", values: ["as"], bytes: "02617300" },
    { name: "a variant", signature: "v", values: [{ signature: "u", value: 7 }], bytes: "01750000" + "07000000" },
    // The padding before the first element is not counted.
    { name: "a list of 64 bits", signature: "at", values: [[1n]], bytes: "0800000000000000" + "0100000000000000" },
    { name: "an empty list of structs", signature: "a(ss)y", values: [[], 9], bytes: "0000000000000000" + "09" },
    {
      name: "a dictionary",
      signature: "a{sb}",
      values: [[["k", true]]],
      bytes: "0c00000000000000" + "010000006b000000" + "01000000",
    },
  ];
  for (const { name, signature, values, bytes } of layouts) {
    it(`writes ${name}`, () => {
      expect(hex(bytesOf(signature, ...values))).to.equal(bytes);
    });
  }

  it("writes messages of any length", () => {
    for (let length = 0; length < 1100; length++) {
      const values = ["x".repeat(length), true, [["p", { signature: "d", value: 1.5 }]]] as const;
      const read = new BusReader(bytesOf("sba(sv)", ...values)).readAll("sba(sv)");
      expect(read).to.deep.equal(values);
    }
  });

  const wrong: readonly (readonly [signature: string, value: BusValue])[] = [
    ["y", 256],
    ["u", -1],
    ["t", 2n ** 64n],
    ["i", 1.5],
    ["u", "1"],
    ["s", "a\0b"],
    ["s", 1],
    ["as", "a"],
    ["(ss)", ["a"]],
    ["v", 1],
    ["g", "x".repeat(256)],
  ];
  for (const [signature, value] of wrong) {
    it(`refuses ${JSON.stringify(String(value)).slice(0, 20)} for ${signature}`, () => {
      expect(() => bytesOf(signature, value)).to.throw(TypeError, "is no D-Bus value of the type");
    });
  }
});

describe("BusReader", () => {
  it("reads what was written", () => {
    const signature = "ybnqiuxtdsoga{sv}a(yay)";
    const values: readonly BusValue[] = [
      255,
      false,
      -1,
      65535,
      -5,
      4_000_000_000,
      -(2n ** 63n),
      2n ** 64n - 1n,
      -0.25,
      "text",
      "/o/p",
      "a{sv}",
      [["k", { signature: "as", value: ["a", ""] }]],
      [[1, [2, 3]]],
    ];
    expect(new BusReader(bytesOf(signature, ...values)).readAll(signature)).to.deep.equal(values);
  });

  it("refuses what is cut off, wherever that is", () => {
    const bytes = bytesOf("sa(sv)", "name", [["k", { signature: "t", value: 5n }]]);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => new BusReader(bytes.slice(0, length)).readAll("sa(sv)"), String(length)).to.throw("cut off");
    }
  });

  it("refuses a variant of several values", () => {
    expect(() => new BusReader(Uint8Array.of(2, 0x75, 0x75, 0, 0, 0, 0, 0)).read("v")).to.throw("no single value");
  });
});

describe("splitSignature()", () => {
  it("finds the complete types", () => {
    expect(splitSignature("ssa(sv)a(sa(sv))")).to.deep.equal(["s", "s", "a(sv)", "a(sa(sv))"]);
    expect(splitSignature("")).to.deep.equal([]);
  });
  for (const signature of ["a", "(s", "()", "z", "a{s", ")", `${"a".repeat(40)}s`]) {
    it(`refuses ${JSON.stringify(signature)}`, () => {
      expect(() => splitSignature(signature)).to.throw("cannot use the D-Bus signature");
    });
  }
});
