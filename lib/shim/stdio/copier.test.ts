import { expect } from "chai";
import { makePipe, setNonBlocking } from "../../linux/fifo.ts";
import { openKernel } from "../../linux/kernel.ts";
import { Readiness } from "../../linux/readiness.ts";
import { waitUntil } from "../../testing/runtime-poll.ts";
import type { Machine } from "../machine.ts";
import { Copier, copyToSink } from "./copier.ts";

const kernel = openKernel();

describe("Copier", () => {
  const readiness = new Readiness(kernel);
  const check = () => readiness.check();

  before(() => {
    process.on("SIGIO", check);
  });
  after(() => {
    process.removeListener("SIGIO", check);
  });

  /** A pipe into it, and one out of it; all four ends do not block. */
  function pipes() {
    const stack = new DisposableStack();
    const [source, target] = [makePipe(kernel), makePipe(kernel)];
    const ends = [source.reader, source.writer, target.reader, target.writer];
    for (const end of ends) setNonBlocking(kernel, stack.use(end));
    const machine = { kernel, readiness } as unknown as Machine;
    const write = (text: string) =>
      kernel.call("write", source.writer.number, new TextEncoder().encode(text), text.length);
    /** undefined when nothing is there, "" at the end. */
    const read = (): string | undefined => {
      const bytes = new Uint8Array(65_536);
      const count = kernel.call("read", target.reader.number, bytes, bytes.length);
      return count < 0 ? undefined : new TextDecoder().decode(bytes.subarray(0, count));
    };
    return { source, target, machine, write, read, [Symbol.dispose]: () => stack.dispose() };
  }

  it("settles: what there is has come without a turn of the event loop", () => {
    using site = pipes();
    const copier = new Copier(site.machine, site.source.reader, site.target.writer);
    site.write("there");
    copier.settle();
    expect(site.read()).to.equal("there");
    expect(copier.isIdle).to.equal(true);
    copier.stop();
  });

  it("settles as far as it can, and goes on with the rest in its order", async () => {
    using site = pipes();
    const full = new Uint8Array(4096).fill(46);
    while (kernel.call("write", site.target.writer.number, full, full.length) > 0);
    const copier = new Copier(site.machine, site.source.reader, site.target.writer);
    site.write("one");
    copier.settle();
    expect(copier.isIdle).to.equal(false);
    site.write("two");
    copier.settle();
    let text = "";
    await waitUntil("rest", () => {
      text += site.read() ?? "";
      return text.endsWith("onetwo");
    });
    expect(text.replaceAll(".", "")).to.equal("onetwo");
    copier.stop();
  });

  it("gives the reader of a FIFO its end when the source has ended", async () => {
    using site = pipes();
    const keeper = site.target.reader;
    const copier = copyToSink(site.machine, site.source.reader, { writer: site.target.writer, keeper });
    site.write("last");
    site.source.writer.close();
    await copier.ended;
    expect([site.read(), site.read()]).to.deep.equal(["last", ""]);
  });
});
