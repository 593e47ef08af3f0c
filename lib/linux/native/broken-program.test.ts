import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { encode, type Part } from "../../plan/encode.ts";
import { HEADER_BYTES, INSN_BYTES, PART_ALIGNMENT, PROGRAM_VERSION } from "../../plan/layout.ts";
import { register, type Step } from "../../plan/step.ts";
import { DONE, mark, PURPOSE, type RunningProgram, runProgram, valuesOf } from "../../testing/run-program.ts";
import { sendPart, waitForChild } from "../executor.ts";
import { openKernel } from "../kernel.ts";
import { sealedMemfd } from "../memfd.ts";
import { EXECUTOR_BASE64 } from "./gen/init.ts";

const kernel = openKernel();
const BROKEN = { code: 125, signal: undefined } as const;
const MAX_BYTES = 16 << 20;

/** Changes one word of the header. */
function withWord(at: number, value: (old: number) => number): (image: Uint8Array) => Uint8Array {
  return (image) => {
    const changed = image.slice();
    const view = new DataView(changed.buffer);
    view.setUint32(at, value(view.getUint32(at, true)), true);
    return changed;
  };
}

const MAGIC = 0;
const VERSION = 4;
const BYTES = 8;
const COUNT = 12;
const OFFSET = 20;

const ALTERATIONS: readonly (readonly [name: string, alter: (image: Uint8Array) => Uint8Array])[] = [
  ["nothing", () => new Uint8Array()],
  ["one byte", (image) => image.slice(0, 1)],
  ["half a header", (image) => image.slice(0, 16)],
  ["no registers", (image) => image.slice(0, 32)],
  ["a header without its last byte", (image) => image.slice(0, HEADER_BYTES - 1)],
  ["another magic", withWord(MAGIC, (old) => old ^ 1)],
  ["a newer version", withWord(VERSION, () => PROGRAM_VERSION + 1)],
  ["version 0", withWord(VERSION, () => 0)],
  ["no bytes", withWord(BYTES, () => 0)],
  ["fewer bytes than a header has", withWord(BYTES, () => HEADER_BYTES - 1)],
  ["more bytes than a program may have", withWord(BYTES, () => MAX_BYTES + 1)],
  ["as many bytes as there are numbers", withWord(BYTES, () => 2 ** 32 - 1)],
  ["one instruction more than there is room for", (image) => withWord(COUNT, () => instructionRoom(image) + 1)(image)],
  ["as many instructions as there are numbers", withWord(COUNT, () => 2 ** 32 - 1)],
  ["an offset in the first part", withWord(OFFSET, () => PART_ALIGNMENT)],
  ["zeros", (image) => new Uint8Array(image.length)],
  ["0xff", (image) => new Uint8Array(image.length).fill(0xff)],
  ["text", () => new TextEncoder().encode("#!/bin/sh\n".repeat(1000))],
];

function instructionRoom(image: Uint8Array): number {
  return Math.floor((image.length - HEADER_BYTES) / INSN_BYTES);
}

describe("executor: a program that is broken", () => {
  const steps = [...mark(1), DONE];

  it("runs when it is whole", () => {
    expect(valuesOf(runProgram(kernel, steps, { alter: (image) => image.slice() }))).to.deep.equal([1]);
  });

  for (const [name, alter] of ALTERATIONS) {
    it(`ends with 125: ${name}`, () => {
      expect(runProgram(kernel, steps, { alter })).to.deep.equal({ reports: [], status: BROKEN });
    });
  }

  for (const [name, argument] of [
    ["no number", "x"],
    ["a number with something behind it", "3x"],
    ["a negative number", "-1"],
    ["a descriptor that is not open", "1000000"],
    ["a number that has no end", "9".repeat(40)],
    ["no descriptor of a file", "0"],
  ] as const) {
    it(`ends with 125: the argument is ${name}`, () => {
      using executable = sealedMemfd(kernel, "test", Buffer.from(EXECUTOR_BASE64, "base64"));
      const pid = kernel.spawn(`/proc/self/fd/${executable.number}`, ["tsrun", "init", argument]);
      expect(waitForChild(kernel, pid, true)).to.deep.equal(BROKEN);
    });
  }
});

describe("executor: a next part that is broken", () => {
  const GO_ON: Step = { call: "continue", args: [register("program"), register("control")], purpose: PURPOSE };

  function sendAltered(alter: (image: Uint8Array) => Uint8Array): (running: RunningProgram) => void {
    return ({ executor, first, control }) => {
      const part: Part = encode([...mark(1), DONE], kernel.architecture, first);
      const image = alter(part.image);
      sendPart(kernel, executor, control, image, part.offset);
    };
  }

  it("runs when it is whole", () => {
    const outcome = runProgram(kernel, [GO_ON], { proceed: sendAltered((image) => image) });
    expect(valuesOf(outcome)).to.deep.equal([1]);
  });

  for (const [name, alter] of ALTERATIONS.filter(([each]) => each !== "an offset in the first part")) {
    it(`ends with 125: ${name}`, () => {
      expect(runProgram(kernel, [GO_ON], { proceed: sendAltered(alter) })).to.deep.equal({
        reports: [],
        status: BROKEN,
      });
    });
  }

  const messages: readonly (readonly [name: string, message: Uint8Array])[] = [
    ["one byte", Uint8Array.of(1)],
    ["half a message", new Uint8Array(8)],
    ["an offset between pages", message(PART_ALIGNMENT + 1, 1000)],
    ["an offset on a page of its own", message(PART_ALIGNMENT + 4096, 1000)],
    ["an offset that no program has", message(2 ** 40, 1000)],
    ["an offset that leads to the first part again", message(0, 1000)],
    ["a size that no program has", message(PART_ALIGNMENT, 2 ** 40)],
    ["no size", message(PART_ALIGNMENT, 0)],
  ];
  for (const [name, bytes] of messages) {
    it(`ends with 125: the message is ${name}`, () => {
      const outcome = runProgram(kernel, [GO_ON], {
        proceed: ({ executor, first, control }) => {
          const { image, offset } = encode([DONE], kernel.architecture, first);
          // Whole, and where it should be: it is the message that lies.
          kernel.call("pwrite64", executor.program.number, image, image.length, offset);
          kernel.call("pwrite64", executor.program.number, image, image.length, offset + 4096);
          kernel.call("sendto", control.number, bytes, bytes.length, 0x4000, 0, 0);
        },
      });
      expect(outcome).to.deep.equal({ reports: [], status: BROKEN });
    });
  }

  function message(offset: number, bytes: number): Uint8Array {
    return new Uint8Array(BigUint64Array.of(BigInt(offset), BigInt(bytes)).buffer);
  }
});

describe("executor: its budget", () => {
  const NATIVE = import.meta.dirname;

  it("is at most 16 KiB", () => {
    expect(Buffer.from(EXECUTOR_BASE64, "base64").length).to.be.at.most(16 << 10);
  });

  it("is at most 900 lines of C", () => {
    const lines = ["init.c", "program.h", "syscall.h"].flatMap((name) =>
      readFileSync(join(NATIVE, name), "utf8").trimEnd().split("\n"),
    );
    expect(lines.length).to.be.within(100, 900);
  });

  it("is a static executable with one page that can be executed, and no stack that can", () => {
    const elf = Buffer.from(EXECUTOR_BASE64, "base64");
    const headers = Array.from({ length: elf.readUInt16LE(56) }, (_, index) => {
      const at = Number(elf.readBigUInt64LE(32)) + index * elf.readUInt16LE(54);
      return { type: elf.readUInt32LE(at), flags: elf.readUInt32LE(at + 4) };
    });
    const [PT_INTERP, PT_GNU_STACK, PF_X] = [3, 0x6474e551, 1];
    expect(headers.filter(({ type }) => type === PT_INTERP)).to.deep.equal([]);
    expect(headers.filter(({ type, flags }) => type === PT_GNU_STACK && (flags & PF_X) !== 0)).to.deep.equal([]);
    expect(headers.filter(({ flags }) => (flags & 3) === 3)).to.deep.equal([]);
  });
});
