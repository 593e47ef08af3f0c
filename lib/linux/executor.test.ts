import { expect } from "chai";
import { describe, it } from "mocha";
import { ContainerError } from "../errors.ts";
import { FakeKernel } from "../testing/fake-kernel.ts";
import { launchExecutor, parseReport, REPORT_BYTES } from "./executor.ts";

/** struct report of native/program.h. */
function report(fields: { kind: number; insn: number; error?: number; logBytes?: number; log?: string }): Uint8Array {
  const bytes = new Uint8Array(REPORT_BYTES);
  const view = new DataView(bytes.buffer);
  const log = new TextEncoder().encode(fields.log ?? "");
  view.setUint32(0, fields.kind, true);
  view.setUint32(4, fields.insn, true);
  view.setInt32(8, fields.error ?? 0, true);
  view.setUint32(12, fields.logBytes ?? log.length, true);
  bytes.set(log, 16);
  return bytes;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe("parseReport()", () => {
  const FULL_LOG = "x".repeat(240);
  for (const [name, bytes, parsed] of [
    [
      "a failure",
      report({ kind: 1, insn: 70_000, error: 22 }),
      { kind: "failure", step: 70_000, errno: 22, log: bytesOf("") },
    ],
    [
      "a failure with a log",
      report({ kind: 1, insn: 0, error: 1, log: "e ä\n" }),
      { kind: "failure", step: 0, errno: 1, log: bytesOf("e ä\n") },
    ],
    [
      "a full log",
      report({ kind: 1, insn: 0, error: 1, log: FULL_LOG }),
      { kind: "failure", step: 0, errno: 1, log: bytesOf(FULL_LOG) },
    ],
    [
      "a log that claims to be longer than it is",
      report({ kind: 1, insn: 0, error: 1, log: FULL_LOG, logBytes: 2 ** 32 - 1 }),
      { kind: "failure", step: 0, errno: 1, log: bytesOf(FULL_LOG) },
    ],
    [
      "what stands after the log",
      report({ kind: 1, insn: 0, error: 1, log: "abc", logBytes: 2 }),
      { kind: "failure", step: 0, errno: 1, log: bytesOf("ab") },
    ],
    ["a message", Uint8Array.of(2, 0, 0, 0, 1, 0, 0, 128), { kind: "message", message: 2, value: 0x8000_0001 }],
    ["a message of kind 0", new Uint8Array(8), { kind: "message", message: 0, value: 0 }],
  ] as const) {
    it(`reads ${name}`, () => expect(parseReport(bytes)).to.deep.equal(parsed));
  }

  it("reads a part of a larger buffer", () => {
    const buffer = new Uint8Array(REPORT_BYTES + 3);
    buffer.set(report({ kind: 1, insn: 5, error: 2, log: "log" }), 3);
    expect(parseReport(buffer.subarray(3))).to.deep.equal({ kind: "failure", step: 5, errno: 2, log: bytesOf("log") });
  });

  for (const length of [0, 1, 7]) {
    it(`refuses ${length} bytes`, () => {
      expect(() => parseReport(new Uint8Array(length))).to.throw(
        TypeError,
        `internal error: report of ${length} bytes`,
      );
    });
  }
});

describe("launchExecutor()", () => {
  it("refuses to preserve a descriptor that is not open, before it touches any", () => {
    const kernel = new FakeKernel();
    const launch = { image: () => new Uint8Array(), inherit: [], preserveFds: 2 };
    expect(() => launchExecutor(kernel, launch))
      .to.throw(ContainerError, "cannot preserve 2 descriptors: descriptor 3 is not open")
      .with.property("code", "invalid_argument");
    expect(kernel.calls.filter(({ name }) => name === "close_range")).to.deep.equal([]);
  });
});
