import { expect } from "chai";
import { FakeKernel } from "../../lib/testing/fake-kernel.ts";
import { type Measured, measure } from "./timings.ts";

/** A clock that goes on by a millisecond whenever it is read. */
function stepClock(): () => number {
  let at = 0;
  return () => at++;
}

function measureAll(format: Measured["format"]): string {
  const timings = measure({ command: "create", format, startUpMs: 3 }, stepClock());
  const kernel = timings.watch(new FakeKernel({ answers: { getpid: () => 7, close: () => 7 } }));
  timings.mark("load command");
  expect(kernel.call("getpid")).to.equal(7);
  timings.mark("birth of init");
  expect(kernel.call("close", 3)).to.equal(7);
  kernel.call("close", 4);
  timings.mark("birth of init");
  return timings.report();
}

describe("measure()", () => {
  it("adds up stages of one name and calls, as JSON", () => {
    const { timings } = JSON.parse(measureAll("json")) as { timings: unknown };
    expect(timings).to.deep.equal({
      command: "create",
      totalMs: 14,
      stages: [
        { name: "start-up", count: 1, ms: 3 },
        { name: "load command", count: 1, ms: 1 },
        { name: "load library", count: 1, ms: 1 },
        { name: "birth of init", count: 2, ms: 8 },
        { name: "rest", count: 1, ms: 1 },
      ],
      calls: [
        { name: "getpid", count: 1, ms: 1 },
        { name: "close", count: 2, ms: 2 },
      ],
    });
  });

  it("lists the calls that took longest first, as text", () => {
    const lines = measureAll("text").split("\n");
    expect(lines[0]).to.equal("timings of create: 14.000 ms");
    expect(lines.slice(-4)).to.deep.equal([
      "in 3 calls to the kernel: 3.000 ms; the longest:",
      "  close × 2                    2.000",
      "  getpid                       1.000",
      "",
    ]);
  });
});
