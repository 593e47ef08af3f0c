import { readFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { FakeKernel } from "../testing/fake-kernel.ts";
import { errnoNumber } from "./constants/errno.ts";
import { ALL_SEALS } from "./constants/files.ts";
import { openKernel } from "./kernel.ts";
import { createMemfd, sealedMemfd, sealMemfd, writeMemfd } from "./memfd.ts";

const F_GETFD = 1;
const F_GET_SEALS = 1034;
const FD_CLOEXEC = 1;
const kernel = openKernel();

describe("sealedMemfd()", () => {
  const content = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251);

  it("has the bytes", () => {
    using file = sealedMemfd(kernel, "test", content);
    expect(new Uint8Array(readFileSync(`/proc/self/fd/${file.number}`))).to.deep.equal(content);
  });

  it("closes on exec", () => {
    using file = sealedMemfd(kernel, "test", content);
    expect(kernel.call("fcntl", file.number, F_GETFD)).to.equal(FD_CLOEXEC);
  });

  it("has every seal, and refuses every change", () => {
    using file = sealedMemfd(kernel, "test", content);
    const refused = -errnoNumber("EPERM");
    expect(kernel.call("fcntl", file.number, F_GET_SEALS) & ALL_SEALS).to.equal(ALL_SEALS);
    expect(kernel.call("pwrite64", file.number, Uint8Array.of(1), 1, 0)).to.equal(refused);
    expect(kernel.call("ftruncate", file.number, 1)).to.equal(refused);
    expect(kernel.call("ftruncate", file.number, 200_000)).to.equal(refused);
    const PROT_WRITE = 2;
    const MAP_SHARED = 1;
    expect(kernel.call("mmap", 0, 4096, PROT_WRITE, MAP_SHARED, file.number, 0)).to.equal(refused);
  });
});

describe("createMemfd(), writeMemfd(), sealMemfd()", () => {
  it("take parts one by one, with a hole between them", () => {
    using file = createMemfd(kernel, "test");
    writeMemfd(kernel, file, Uint8Array.of(1, 2), 0);
    writeMemfd(kernel, file, Uint8Array.of(3), 4);
    sealMemfd(kernel, file);
    expect([...readFileSync(`/proc/self/fd/${file.number}`)]).to.deep.equal([1, 2, 0, 0, 3]);
    expect(() => writeMemfd(kernel, file, Uint8Array.of(9), 0)).to.throw("cannot write a memory file");
  });

  it("go on after a short write", () => {
    const offsets: number[] = [];
    const short = new FakeKernel({
      answers: {
        memfd_create: () => 5,
        close: () => 0,
        pwrite64: (_fd, _bytes, length, offset) => {
          offsets.push(Number(offset));
          return Math.min(Number(length), 3);
        },
      },
    });
    using file = createMemfd(short, "test");
    writeMemfd(short, file, new Uint8Array(7), 100);
    expect(offsets).to.deep.equal([100, 103, 106]);
  });

  it("do without MFD_EXEC on kernels before 6.3", () => {
    const asked: number[] = [];
    const old = new FakeKernel({
      answers: {
        memfd_create: (_name, flags) => {
          asked.push(Number(flags));
          return asked.length === 1 ? -errnoNumber("EINVAL") : 5;
        },
        close: () => 0,
      },
    });
    using file = createMemfd(old, "test");
    expect(file.number).to.equal(5);
    expect(asked).to.deep.equal([0x13, 0x3]);
  });

  it("say why there is none", () => {
    const full = new FakeKernel({ answers: { memfd_create: () => -errnoNumber("EMFILE") } });
    expect(() => createMemfd(full, "x")).to.throw("cannot make the memory file x: too many open files (EMFILE)");
  });
});
