import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openKernel } from "../linux/kernel.ts";
import { lockRoot } from "./root-lock.ts";

const kernel = openKernel();
/** No process has it: the kernel's limit is 2^22. */
const NOBODY = 2 ** 22 + 1;

describe("lockRoot()", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tsrun-lock-"));
    path = join(folder, "lock");
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** A process that has the lock for a while, or until it is ended. */
  const hold = async (seconds: string) => {
    const holder = Bun.spawn({
      cmd: ["flock", "--no-fork", path, "sh", "-c", `echo; exec sleep ${seconds}`],
      stdout: "pipe",
    });
    await holder.stdout.getReader().read();
    return holder;
  };

  it("waits for the child of a killed owner, which has its descriptors until it is another program", async () => {
    const child = await hold("0.3");
    writeFileSync(path, `${NOBODY}\n`);
    using _lock = lockRoot(kernel, path);
    expect(await child.exited).to.equal(0);
  });

  for (const [owner, who] of [
    [`${process.pid}\n`, `process ${process.pid}`],
    ["", "another process"],
  ] as const) {
    it(`does not wait for ${owner === "" ? "an owner it does not know" : "one that lives"}`, async () => {
      const holder = await hold("1000");
      writeFileSync(path, owner);
      try {
        expect(() => lockRoot(kernel, path)).to.throw(`cannot lock ${path}: ${who} has it`);
      } finally {
        holder.kill();
        await holder.exited;
      }
    });
  }
});
