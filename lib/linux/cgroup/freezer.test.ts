import { expect } from "chai";
import { FakeKernel } from "../../testing/fake-kernel.ts";
import type { KernelArgument } from "../kernel.ts";
import { freeze } from "./freezer.ts";

/** A freezer whose file changes with what is written: `react` gives the new text of `path`. */
function freezer(path: string, react: (written: string) => string) {
  const files: Record<string, string> = { [path]: "", "/c/cgroup.freeze": "" };
  const written: string[] = [];
  const write = (_fd: KernelArgument = 0, bytes: KernelArgument = 0, length: KernelArgument = 0): number => {
    const text = bytes instanceof Uint8Array ? new TextDecoder().decode(bytes) : "";
    written.push(text);
    files[path] = react(text);
    return Number(length);
  };
  return { kernel: new FakeKernel({ files, answers: { write } }), written };
}

describe("freeze()", () => {
  it("writes FROZEN until the kernel says so", async () => {
    let tries = 0;
    const { kernel, written } = freezer("/c/freezer.state", () => (++tries < 4 ? "FREEZING\n" : "FROZEN\n"));
    await freeze(kernel, "/c", "v1");
    expect(written).to.deep.equal(["FROZEN", "FROZEN", "FROZEN", "FROZEN"]);
    expect(kernel.openFds).to.equal(0);
  });

  it("thaws for a moment what does not freeze", async () => {
    const { kernel, written } = freezer("/c/freezer.state", (text) => {
      if (text === "THAWED") return "THAWED\n";
      return written.includes("THAWED") ? "FROZEN\n" : "FREEZING\n";
    });
    await freeze(kernel, "/c", "v1");
    expect(written.filter((text) => text === "THAWED")).to.have.lengthOf(1);
    expect(written.at(-1)).to.equal("FROZEN");
  });

  it("gives up in the end, and leaves the cgroup thawed", async () => {
    const { kernel, written } = freezer("/c/freezer.state", () => "FREEZING\n");
    const error = await freeze(kernel, "/c", "v1").catch((reason: unknown) => reason);
    expect(String(error)).to.include("unable to freeze /c");
    expect(written.filter((text) => text === "FROZEN")).to.have.lengthOf(1000);
    expect(written.at(-1)).to.equal("THAWED");
  });

  it("waits for the event of v2", async () => {
    const { kernel, written } = freezer("/c/cgroup.events", () => "populated 1\nfrozen 1\n");
    await freeze(kernel, "/c", "v2");
    expect(written).to.deep.equal(["1"]);
  });
});
