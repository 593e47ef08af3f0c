import { expect } from "chai";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import {
  bytesWaiting,
  hasHadWriter,
  isFifo,
  makePipe,
  openFifoReader,
  openFifoWriter,
  setNonBlocking,
} from "./fifo.ts";
import { openKernel } from "./kernel.ts";
import { Readiness } from "./readiness.ts";

const kernel = openKernel();

function makeFifo(path: string): string {
  Bun.spawnSync(["mkfifo", path]);
  return path;
}

describe("hasHadWriter()", () => {
  it("knows no writer, one that is silent, one that wrote, and one that has gone", () => {
    using folder = new TemporaryDirectory();
    const path = makeFifo(folder.at("fifo"));
    using reader = openFifoReader(kernel, path);
    expect(isFifo(kernel, path)).to.equal(true);
    expect(hasHadWriter(kernel, reader)).to.equal(false);
    const writer = openFifoWriter(kernel, path);
    expect(hasHadWriter(kernel, reader)).to.equal(true);
    kernel.call("write", writer.number, Uint8Array.of(1, 2), 2);
    expect(hasHadWriter(kernel, reader)).to.equal(true);
    expect(bytesWaiting(kernel, reader.number)).to.equal(2);
    writer.close();
    expect(hasHadWriter(kernel, reader)).to.equal(true);
    kernel.call("read", reader.number, new Uint8Array(2), 2);
    expect(hasHadWriter(kernel, reader)).to.equal(true);
  });

  it("counts a writer that waits for a reader", async () => {
    using folder = new TemporaryDirectory();
    const path = makeFifo(folder.at("fifo"));
    const client = Bun.spawn(["sh", "-c", `echo > ${path}`]);
    const stat = `/proc/${client.pid}/stat`;
    while (!(await Bun.file(`/proc/${client.pid}/wchan`).text()).includes("wait_for_partner"))
      await Bun.file(stat).text();
    using reader = openFifoReader(kernel, path);
    expect(hasHadWriter(kernel, reader)).to.equal(true);
    await client.exited;
  });
});

describe("Readiness", () => {
  let readiness: Readiness;
  const check = () => readiness.check();
  before(() => {
    readiness = new Readiness(kernel);
    process.on("SIGIO", check);
  });
  after(() => {
    process.removeListener("SIGIO", check);
  });

  it("says when there is something to read, and when it has ended", async () => {
    const { reader, writer } = makePipe(kernel);
    using _reader = reader;
    const first = readiness.readable(reader);
    kernel.call("write", writer.number, Uint8Array.of(1), 1);
    await first;
    kernel.call("read", reader.number, new Uint8Array(1), 1);
    const second = readiness.readable(reader);
    writer.close();
    await second;
  });

  it("says when there is room to write", async () => {
    const { reader, writer } = makePipe(kernel);
    using _reader = reader;
    using _writer = writer;
    setNonBlocking(kernel, writer);
    const chunk = new Uint8Array(4096);
    while (kernel.call("write", writer.number, chunk, chunk.length) > 0);
    const room = readiness.writable(writer);
    for (let count = 0; count < 16; count++) kernel.call("read", reader.number, chunk, chunk.length);
    await room;
    expect(kernel.call("write", writer.number, chunk, chunk.length)).to.be.greaterThan(0);
  });

  it("lets go of a descriptor that is about to be closed", async () => {
    const { reader, writer } = makePipe(kernel);
    using _reader = reader;
    using _writer = writer;
    const waiting = readiness.readable(reader);
    await new Promise((resolve) => setImmediate(resolve));
    readiness.forget(reader);
    await waiting;
  });
});
