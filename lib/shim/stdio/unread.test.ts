import { readSync, writeSync } from "node:fs";
import { expect } from "chai";
import { makePipe } from "../../linux/fifo.ts";
import { openKernel } from "../../linux/kernel.ts";
import { untilRead } from "./unread.ts";

const kernel = openKernel();

describe("untilRead()", () => {
  it("waits for a reader", async () => {
    const { reader, writer } = makePipe(kernel);
    using _reader = reader;
    using _writer = writer;
    writeSync(writer.number, "there");
    let isOver = false;
    const waiting = untilRead(kernel, [undefined, reader], 60_000).then(() => {
      isOver = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).to.equal(false);
    readSync(reader.number, new Uint8Array(16));
    await waiting;
    expect(isOver).to.equal(true);
  });

  it("does not wait for ever", async () => {
    const { reader, writer } = makePipe(kernel);
    using _reader = reader;
    using _writer = writer;
    writeSync(writer.number, "there");
    await untilRead(kernel, [reader], 10);
    expect(readSync(reader.number, new Uint8Array(16))).to.equal("there".length);
  });
});
