import { expect } from "chai";
import { describe, it } from "mocha";
import { errnoNumber } from "../linux/constants/errno.ts";
import { syscallNumber } from "../linux/constants/syscalls.ts";
import { encode, type Part, presetRegister } from "./encode.ts";
import {
  FAIL_ON_ZERO,
  HEADER_BYTES,
  INSN_ARGS,
  INSN_BYTES,
  NO_REGISTER,
  OPERATIONS,
  PART_ALIGNMENT,
  PROGRAM_BASE,
  PROGRAM_MAGIC,
  PROGRAM_VERSION,
  REGISTER_COUNT,
  REGISTERS_OFFSET,
  SKIP_ON_ZERO,
} from "./layout.ts";
import { type Argument, register, type Step, type Struct } from "./step.ts";

const PURPOSE = { doing: "test", from: "" } as const;

function step(fields: Partial<Step>): Step {
  return { call: "getpid", args: [], purpose: PURPOSE, ...fields };
}

function struct(bytes: number, pointers: Struct["pointers"] = []): Struct {
  const content = Uint8Array.from({ length: bytes }, (_, index) => index + 1);
  return { kind: "struct", bytes: content, pointers, describe: () => "{}" };
}

/** Reads a part the way the executor does. */
class Reader {
  readonly #view: DataView;
  readonly #part: Part;

  constructor(part: Part) {
    this.#part = part;
    this.#view = new DataView(part.image.buffer, part.image.byteOffset, part.image.byteLength);
  }

  get header(): readonly number[] {
    return [0, 4, 8, 12, 16, 20].map((at) => this.#view.getUint32(at, true));
  }

  insn(index: number) {
    const at = HEADER_BYTES + INSN_BYTES * index;
    const u16 = (offset: number) => this.#view.getUint16(at + offset, true);
    return {
      nr: u16(0),
      into: this.#view.getUint8(at + 2),
      registers: this.#view.getUint8(at + 3),
      skip: u16(4),
      otherwise: u16(6),
      tolerated: [u16(8), u16(10), u16(12)],
      flags: u16(14),
      args: [0, 1, 2, 3, 4, 5].map((i) => this.#view.getBigUint64(at + INSN_ARGS + 8 * i, true)),
    };
  }

  offset(address: bigint | undefined): number {
    return Number((address ?? 0n) - BigInt(PROGRAM_BASE + this.#part.offset));
  }

  word(address: bigint): bigint {
    return this.#view.getBigUint64(this.offset(address), true);
  }

  bytes(address: bigint | undefined, length: number): readonly number[] {
    const at = this.offset(address);
    return [...this.#part.image.subarray(at, at + length)];
  }

  /** The string at an address, up to its NUL, which has to be there. */
  text(address: bigint | undefined): string {
    const at = this.offset(address);
    const end = this.#part.image.indexOf(0, at);
    expect(end).to.be.at.least(at);
    return new TextDecoder().decode(this.#part.image.subarray(at, end));
  }
}

function encodeOne(fields: Partial<Step>) {
  const part = encode([step(fields)], "x64");
  const reader = new Reader(part);
  return { part, reader, insn: reader.insn(0) };
}

describe("encode(): struct program", () => {
  it("starts with the header", () => {
    const part = encode([step({}), step({})], "x64");
    const bytes = HEADER_BYTES + 2 * INSN_BYTES;
    expect(new Reader(part).header).to.deep.equal([PROGRAM_MAGIC, PROGRAM_VERSION, bytes, 2, 0, 0]);
    expect(part.image.length).to.equal(bytes);
    expect(part).to.include({ offset: 0, steps: 2 });
  });

  it("takes no steps, too", () => {
    expect(new Reader(encode([], "x64")).header).to.deep.equal([PROGRAM_MAGIC, PROGRAM_VERSION, HEADER_BYTES, 0, 0, 0]);
  });

  it("gives the same bytes for the same steps", () => {
    const steps = () => [step({ args: ["a", struct(3), register("x")], tolerated: ["ENOENT"] })];
    expect(encode(steps(), "x64").image).to.deep.equal(encode(steps(), "x64").image);
  });
});

describe("encode(): struct insn", () => {
  it("has nothing but the number when nothing is asked", () => {
    const { insn } = encodeOne({ call: "setsid" });
    expect(insn).to.deep.equal({
      nr: syscallNumber("setsid", "x64"),
      into: NO_REGISTER,
      registers: 0,
      skip: 0,
      otherwise: 0,
      tolerated: [0, 0, 0],
      flags: 0,
      args: [0n, 0n, 0n, 0n, 0n, 0n],
    });
  });

  it("has every field in its place", () => {
    const { insn } = encodeOne({
      call: "openat",
      args: [register("a"), 1, 2, 3, 4, register("b")],
      into: "c",
      skip: 0x1234,
      otherwise: 0xfedc,
      tolerated: ["ENOENT", "EEXIST", "EHWPOISON"],
      failOnZero: true,
      skipOnZero: true,
    });
    expect(insn).to.deep.equal({
      nr: 257,
      into: 3,
      registers: 0b100001,
      skip: 0x1234,
      otherwise: 0xfedc,
      tolerated: [errnoNumber("ENOENT"), errnoNumber("EEXIST"), errnoNumber("EHWPOISON")],
      flags: FAIL_ON_ZERO | SKIP_ON_ZERO,
      args: [1n, 1n, 2n, 3n, 4n, 2n],
    });
  });

  for (const [name, fields, flags] of [
    ["failOnZero", { failOnZero: true }, FAIL_ON_ZERO],
    ["skipOnZero", { skipOnZero: true }, SKIP_ON_ZERO],
  ] as const) {
    it(`has ${name} alone, beside a third errno`, () => {
      const { insn } = encodeOne({ ...fields, tolerated: ["EPERM", "EPERM", "EHWPOISON"] });
      expect(insn).to.deep.include({ flags, tolerated: [1, 1, 133] });
    });
  }

  it("numbers system calls by architecture, operations alike", () => {
    const steps = [step({ call: "openat" }), step({ call: "openInRoot" })];
    const numbers = (["x64", "arm64"] as const).map((architecture) => {
      const reader = new Reader(encode(steps, architecture));
      return [reader.insn(0).nr, reader.insn(1).nr];
    });
    expect(numbers).to.deep.equal([
      [257, OPERATIONS.openInRoot],
      [56, OPERATIONS.openInRoot],
    ]);
  });

  const names = { BIT: 1n };
  const numbers: readonly { readonly name: string; readonly argument: Argument; readonly written: bigint }[] = [
    { name: "0", argument: 0, written: 0n },
    { name: "-0", argument: -0, written: 0n },
    { name: "1", argument: 1, written: 1n },
    { name: "AT_FDCWD", argument: -100, written: 2n ** 64n - 100n },
    { name: "-1", argument: -1, written: 2n ** 64n - 1n },
    { name: "-2^32", argument: -(2 ** 32), written: 2n ** 64n - 2n ** 32n },
    { name: "-2^32 - 1", argument: -(2 ** 32) - 1, written: 2n ** 64n - 2n ** 32n - 1n },
    { name: "2^31", argument: 2 ** 31, written: 2n ** 31n },
    { name: "2^32 - 1", argument: 2 ** 32 - 1, written: 2n ** 32n - 1n },
    { name: "2^32", argument: 2 ** 32, written: 2n ** 32n },
    { name: "2^53 - 1", argument: Number.MAX_SAFE_INTEGER, written: 2n ** 53n - 1n },
    { name: "1n << 33n", argument: 1n << 33n, written: 1n << 33n },
    { name: "2^64 - 1", argument: 2n ** 64n - 1n, written: 2n ** 64n - 1n },
    { name: "-1n", argument: -1n, written: 2n ** 64n - 1n },
    { name: "0n", argument: 0n, written: 0n },
    { name: "flags", argument: { kind: "flags", value: 0x8000_0000, names }, written: 0x8000_0000n },
    { name: "negative flags", argument: { kind: "flags", value: -100, names }, written: 2n ** 64n - 100n },
    { name: "64-bit flags", argument: { kind: "flags", value: 0x2_0000_0000n, names }, written: 0x2_0000_0000n },
    { name: "a mode", argument: { kind: "mode", value: 0o7777 }, written: 0o7777n },
  ];
  for (const { name, argument, written } of numbers) {
    it(`writes ${name} as the kernel reads it`, () => {
      expect(encodeOne({ args: [7, argument, 7] }).insn.args.slice(0, 3)).to.deep.equal([7n, written, 7n]);
    });
  }
});

describe("encode(): memory", () => {
  it("writes strings with their NUL, each once", () => {
    const { insn, reader } = encodeOne({ args: ["/dev", "", "/dev", "äö€😀", { kind: "strings", values: ["/dev"] }] });
    const [dev, empty, again, wide, list = 0n] = insn.args;
    expect([dev, empty, wide].map((address) => reader.text(address))).to.deep.equal(["/dev", "", "äö€😀"]);
    expect([again, reader.word(list)]).to.deep.equal([dev, dev]);
    expect(reader.word(list + 8n)).to.equal(0n);
  });

  it("ends an empty list, too", () => {
    const { insn, reader } = encodeOne({ args: [{ kind: "strings", values: [] }] });
    expect(reader.word(insn.args[0] ?? 0n)).to.equal(0n);
  });

  it("keeps what it points to inside of the image, and aligned", () => {
    const args = ["a", struct(3), "bb", { kind: "strings", values: ["ccc", "a"] }, struct(1)] as const;
    const { insn, reader, part } = encodeOne({ args });
    const offsets = insn.args.slice(0, 5).map((address) => reader.offset(address));
    const first = HEADER_BYTES + INSN_BYTES;
    const wrong = offsets.filter((offset) => offset < first || offset >= part.image.length || offset % 8 !== 0);
    expect(wrong).to.deep.equal([]);
    expect(new Set(offsets).size).to.equal(5);
  });

  it("writes a structure once, and again when it is another one with the same bytes", () => {
    const one = struct(5);
    const { insn, reader } = encodeOne({ args: [one, one, struct(5)] });
    const [first, second, third] = insn.args;
    expect(reader.bytes(first, 5)).to.deep.equal([1, 2, 3, 4, 5]);
    expect(reader.bytes(third, 5)).to.deep.equal([1, 2, 3, 4, 5]);
    expect(second).to.equal(first);
    expect(third).to.not.equal(first);
  });

  it("fills in pointers to strings, lists, structures and a place of the same one", () => {
    const inner = struct(4, [{ at: 0, to: "inner" }]);
    const outer = struct(32, [
      { at: 0, to: "outer" },
      { at: 8, to: inner },
      { at: 16, to: { kind: "strings", values: ["one", "outer"] } },
      { at: 24, to: { kind: "self", at: 12 } },
    ]);
    const { insn, reader } = encodeOne({ args: [outer, { kind: "field", of: outer, at: 20, name: "field" }, inner] });
    const [address = 0n, field, innerAddress] = insn.args;
    expect(reader.text(reader.word(address))).to.equal("outer");
    expect(reader.word(address + 8n)).to.equal(innerAddress);
    const list = reader.word(address + 16n);
    expect(reader.text(reader.word(list))).to.equal("one");
    expect(reader.word(list + 8n)).to.equal(reader.word(address));
    expect(reader.word(list + 16n)).to.equal(0n);
    expect(reader.word(address + 24n)).to.equal(address + 12n);
    expect(field).to.equal(address + 20n);
  });

  for (const [name, big, length] of [
    ["a string", "x".repeat(200_000), 200_000],
    ["a string of characters with three bytes", "€".repeat(30_000), 90_000],
    ["a structure", struct(200_000), 200_000],
    ["a list", { kind: "strings", values: new Array<string>(20_000).fill("x") }, 160_000],
  ] as const) {
    it(`grows for ${name}, and loses nothing of before`, () => {
      const small = struct(9, [{ at: 0, to: "small" }]);
      const steps = [
        step({ args: [small, "before"], into: "one" }),
        step({ args: [big, "after", register("one"), 5] }),
      ];
      const part = encode(steps, "x64");
      const reader = new Reader(part);
      const { args } = reader.insn(1);
      expect(part.image.length).to.be.at.least(length);
      expect(reader.text(reader.word(reader.insn(0).args[0] ?? 0n))).to.equal("small");
      expect([reader.text(reader.insn(0).args[1]), reader.text(args[1])]).to.deep.equal(["before", "after"]);
      expect(args.slice(2, 4)).to.deep.equal([1n, 5n]);
      expect(reader.bytes(args[0], 8).some((byte) => byte !== 0)).to.equal(true);
    });
  }

  it("grows for many steps", () => {
    const steps = Array.from({ length: 2000 }, (_, index) => step({ args: [index, `text ${index}`] }));
    const reader = new Reader(encode(steps, "x64"));
    expect(reader.header.slice(2, 4)).to.deep.equal([reader.header[2], 2000]);
    expect([0, 999, 1999].map((index) => reader.insn(index).args[0])).to.deep.equal([0n, 999n, 1999n]);
    expect([0, 999, 1999].map((index) => reader.text(reader.insn(index).args[1]))).to.deep.equal([
      "text 0",
      "text 999",
      "text 1999",
    ]);
  });
});

describe("encode(): registers", () => {
  it("gives 0 to the control socket, whether it is named or not", () => {
    const { part, insn } = encodeOne({ args: [register("other"), register("control")] });
    expect(insn.args.slice(0, 2)).to.deep.equal([1n, 0n]);
    expect([...part.registers]).to.deep.equal([
      ["control", 0],
      ["other", 1],
    ]);
  });

  it("takes as many as there are", () => {
    const steps = Array.from({ length: REGISTER_COUNT - 1 }, (_, index) => step({ into: `r${index}` }));
    expect(encode(steps, "x64").registers.size).to.equal(REGISTER_COUNT);
  });

  const bad: readonly { readonly name: string; readonly steps: readonly Step[]; readonly message: RegExp }[] = [
    {
      name: "one register too many",
      steps: Array.from({ length: REGISTER_COUNT }, (_, index) => step({ into: `r${index}` })),
      message: /no register is left for r\d+$/,
    },
    {
      name: "seven arguments",
      steps: [step({ args: [1, 2, 3, 4, 5, 6, 7] })],
      message: /getpid has too many arguments/,
    },
    {
      name: "four errnos",
      steps: [step({ tolerated: ["EPERM", "ENOENT", "ESRCH", "EINTR"] })],
      message: /getpid tolerates too much/,
    },
  ];
  for (const { name, steps, message } of bad) {
    it(`refuses ${name}`, () => expect(() => encode(steps, "x64")).to.throw(TypeError, message));
  }
});

describe("presetRegister()", () => {
  it("writes the value the register has at the start", () => {
    const part = encode([step({ into: "one" }), step({ args: [register("two")] })], "x64");
    presetRegister(part, "control", 11);
    presetRegister(part, "two", -1);
    presetRegister(part, "unknown", 99);
    const values = new BigInt64Array(part.image.slice(REGISTERS_OFFSET, REGISTERS_OFFSET + 8 * 4).buffer);
    expect([...values]).to.deep.equal([11n, 0n, -1n, 0n]);
    expect(part.image.subarray(REGISTERS_OFFSET + 32, HEADER_BYTES).every((byte) => byte === 0)).to.equal(true);
  });
});

describe("encode(): the next part", () => {
  const first = encode([step({ into: "one", args: ["text"] }), step({ into: "two" })], "x64");
  const second = encode([step({ args: [register("two"), "text", struct(2)], into: "three" })], "x64", first);
  const reader = new Reader(second);

  it("stands at the next aligned offset, which its header names", () => {
    expect(second.offset).to.equal(PART_ALIGNMENT);
    expect(reader.header).to.deep.equal([PROGRAM_MAGIC, PROGRAM_VERSION, second.image.length, 1, 2, PART_ALIGNMENT]);
    expect(second.steps).to.equal(3);
  });

  it("points into itself", () => {
    expect(reader.text(reader.insn(0).args[1])).to.equal("text");
    expect(reader.bytes(reader.insn(0).args[2], 2)).to.deep.equal([1, 2]);
  });

  it("goes on with the registers, and leaves those of the first part alone", () => {
    expect(reader.insn(0)).to.deep.include({ into: 3, registers: 1 });
    expect(reader.insn(0).args[0]).to.equal(2n);
    expect(first.registers.size).to.equal(3);
    expect(second.registers.size).to.equal(4);
  });

  it("stands clear of a first part of more than 64 KiB", () => {
    const big = encode([step({ args: ["x".repeat(PART_ALIGNMENT)] })], "x64");
    expect(encode([], "x64", big).offset).to.equal(2 * PART_ALIGNMENT);
  });

  it("follows a second one, too", () => {
    const third = encode([step({})], "x64", second);
    expect(third).to.include({ offset: 2 * PART_ALIGNMENT, steps: 4 });
    expect(new Reader(third).header.slice(3)).to.deep.equal([1, 3, 2 * PART_ALIGNMENT]);
  });
});
