import { mkdirSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { ContainerError } from "../../errors.ts";
import { FakeKernel, type FakeWorld } from "../../testing/fake-kernel.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { errnoNumber } from "../constants/errno.ts";
import type { KernelArgument } from "../kernel.ts";
import { openKernel } from "../kernel.ts";
import { isFrozen, killAll, listProcesses, removeCgroup, tryRemoveCgroup } from "./directory.ts";

const kernel = openKernel();

/** A kernel whose rmdir(2) gives one answer after the other for a path; the last one again and again. */
function removing(results: Readonly<Record<string, readonly number[]>>, world: FakeWorld = {}): FakeKernel {
  const tries = new Map<string, number>();
  const unlinkat = (_fd: KernelArgument | undefined, path: KernelArgument | undefined) => {
    const answers = results[String(path)] ?? [];
    const count = tries.get(String(path)) ?? 0;
    tries.set(String(path), count + 1);
    return answers[Math.min(count, answers.length - 1)] ?? 0;
  };
  return new FakeKernel({ ...world, answers: { unlinkat } });
}

const BUSY = -errnoNumber("EBUSY");

describe("listProcesses()", () => {
  it("finds those of the directories below, too", () => {
    using directory = new TemporaryDirectory();
    mkdirSync(directory.at("a", "b"), { recursive: true });
    mkdirSync(directory.at("c"));
    writeFileSync(directory.at("cgroup.procs"), "1\n22\n");
    writeFileSync(directory.at("a", "cgroup.procs"), "");
    writeFileSync(directory.at("a", "b", "cgroup.procs"), "333\n");
    expect(listProcesses(kernel, directory.path)).to.deep.equal([1, 22, 333]);
  });
  it("finds none when it is gone", () => expect(listProcesses(new FakeKernel(), "/c")).to.deep.equal([]));
  it("finds none when it goes while it is read", () => {
    const going = new FakeKernel({
      files: { "/c/cgroup.procs": "" },
      answers: { read: () => -errnoNumber("ENODEV") },
    });
    expect(listProcesses(going, "/c")).to.deep.equal([]);
  });
});

describe("killAll()", () => {
  it("writes 1 to cgroup.kill", () => {
    const written: string[] = [];
    const killing = new FakeKernel({
      files: { "/c/cgroup.kill": "" },
      answers: {
        write: (_fd, bytes, length) => {
          written.push(new TextDecoder().decode(bytes as Uint8Array));
          return Number(length);
        },
      },
    });
    expect(killAll(killing, "/c")).to.equal(true);
    expect(written).to.deep.equal(["1"]);
  });
  it("is false where the kernel lacks it", () => expect(killAll(new FakeKernel(), "/c")).to.equal(false));
  it("throws what is no answer", () => {
    const broken = new FakeKernel({ answers: { openat: () => -errnoNumber("EIO") } });
    expect(() => killAll(broken, "/c")).to.throw("cannot write /c/cgroup.kill: input/output error (EIO)");
  });
});

describe("isFrozen()", () => {
  for (const [mode, file, text, frozen] of [
    ["v1", "freezer.state", "FROZEN\n", true],
    ["v1", "freezer.state", "FREEZING\n", true],
    ["v1", "freezer.state", "THAWED\n", false],
    ["v2", "cgroup.events", "populated 1\nfrozen 1\n", true],
    ["v2", "cgroup.events", "populated 1\nfrozen 0\n", false],
    ["v2", "other", "frozen 1\n", false],
  ] as const) {
    it(`${mode}, ${file} ${JSON.stringify(text)}: ${frozen}`, () => {
      expect(isFrozen(new FakeKernel({ files: { [`/c/${file}`]: text } }), "/c", mode)).to.equal(frozen);
    });
  }
});

describe("tryRemoveCgroup()", () => {
  const below = { directories: { "/c": ["a", "b"], "/c/a": [], "/c/b": [] } };
  for (const [name, results, removed] of [
    ["it is empty", {}, true],
    ["it is gone", { "/c": [-errnoNumber("ENOENT")] }, true],
    ["it is gone, as cgroupfs says it", { "/c": [-errnoNumber("ENODEV")] }, true],
    ["it has children", { "/c": [BUSY, 0] }, true],
    ["a child is busy", { "/c": [BUSY], "/c/b": [BUSY] }, false],
    ["it is busy after its children", { "/c": [BUSY], "/c/a": [-errnoNumber("ENOENT")] }, false],
  ] as const) {
    it(`${name}: ${removed}`, () => {
      const limited = removing(results, name.includes("after its children") ? { directories: { "/c": [] } } : below);
      expect(tryRemoveCgroup(limited, "/c")).to.equal(removed);
    });
  }
  it("throws what is no matter of time", () => {
    const refusing = removing({ "/c": [-errnoNumber("EACCES")] });
    expect(() => tryRemoveCgroup(refusing, "/c")).to.throw(
      ContainerError,
      "cannot remove cgroup /c: permission denied",
    );
  });
});

describe("removeCgroup()", () => {
  it("tries again what is busy for a moment", async () => {
    const busy = removing({ "/c": [BUSY, BUSY, 0] }, { directories: { "/c": [] } });
    await removeCgroup(busy, "/c");
    expect(busy.calls.filter(({ name }) => name === "unlinkat")).to.have.lengthOf(3);
  });
});
