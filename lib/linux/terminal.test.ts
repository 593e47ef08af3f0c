import { writeFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { SyscallError } from "../errors.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { OPEN } from "./constants/files.ts";
import { TTY } from "./constants/terminals.ts";
import type { OwnedFd } from "./fd.ts";
import { openFile } from "./files.ts";
import { openKernel } from "./kernel.ts";
import { copyWindowSize, findAttributes, rawAttributes, setAttributes } from "./terminal.ts";

const kernel = openKernel();
const TERMIOS_BYTES = 36;
const IUCLC = 0o1000;

function openTerminal(): OwnedFd {
  return openFile(kernel, "/dev/ptmx", OPEN.O_RDWR | OPEN.O_NOCTTY);
}

/** What glibc's cfmakeraw(3) makes of each: its `struct termios` starts as the kernel's. */
function cfmakeraw(attributes: readonly Uint8Array[]): readonly Uint8Array[] {
  using directory = new TemporaryDirectory();
  const source = `#define _DEFAULT_SOURCE
#include <stdio.h>
#include <termios.h>
int main(void) {
  struct termios t = { 0 };
  while (fread(&t, ${TERMIOS_BYTES}, 1, stdin) == 1) { cfmakeraw(&t); fwrite(&t, ${TERMIOS_BYTES}, 1, stdout); }
  return 0;
}
`;
  writeFileSync(directory.at("raw.c"), source);
  const compiled = Bun.spawnSync({ cmd: ["cc", "-o", directory.at("raw"), directory.at("raw.c")] });
  if (compiled.exitCode !== 0) throw new Error(compiled.stderr.toString());
  const { stdout } = Bun.spawnSync({ cmd: [directory.at("raw")], stdin: Buffer.concat(attributes) });
  return attributes.map(
    (_, index) => new Uint8Array(stdout.subarray(TERMIOS_BYTES * index).subarray(0, TERMIOS_BYTES)),
  );
}

/** The four words of flags, and the rest. */
function parts(attributes: Uint8Array) {
  const view = new DataView(attributes.buffer, attributes.byteOffset);
  const [input, output, control, local] = [0, 4, 8, 12].map((at) => view.getUint32(at, true));
  return { input, output, control, local, rest: [...attributes.subarray(16)] };
}

function filled(byte: number): Uint8Array {
  const attributes = new Uint8Array(TERMIOS_BYTES).fill(byte);
  // A modern terminal has no upper case only mode, which cfmakeraw(3) leaves alone.
  attributes[1] = byte & ~(IUCLC >> 8);
  return attributes;
}

describe("rawAttributes()", () => {
  it("is cfmakeraw(3), but that output is still processed", () => {
    const attributes = [0xff, 0x00, 0x55, 0xaa, 0x0f, 0xf0].map(filled);
    const expected = cfmakeraw(attributes).map((raw, index) => {
      return { ...parts(raw), output: parts(attributes[index] ?? raw).output };
    });
    expect(attributes.map((each) => parts(rawAttributes(each)))).to.deep.equal(expected);
  });

  it("leaves what it is given alone", () => {
    const attributes = filled(0xff);
    rawAttributes(attributes);
    expect(attributes).to.deep.equal(filled(0xff));
  });
});

describe("findAttributes() and setAttributes()", () => {
  it("read back what was set", () => {
    using terminal = openTerminal();
    const before = findAttributes(kernel, terminal.number) ?? new Uint8Array(TERMIOS_BYTES);
    const raw = rawAttributes(before);
    expect(raw).to.not.deep.equal(before);
    setAttributes(kernel, terminal.number, raw);
    expect(findAttributes(kernel, terminal.number)).to.deep.equal(raw);
    setAttributes(kernel, terminal.number, before);
    expect(findAttributes(kernel, terminal.number)).to.deep.equal(before);
  });

  it("need a terminal", () => {
    using file = openFile(kernel, "/dev/null", OPEN.O_RDWR);
    expect(findAttributes(kernel, file.number)).to.equal(undefined);
    const attributes = new Uint8Array(TERMIOS_BYTES);
    expect(() => setAttributes(kernel, file.number, attributes)).to.throw(
      SyscallError,
      "cannot set the terminal's mode: inappropriate ioctl for device (ENOTTY)",
    );
  });
});

describe("copyWindowSize()", () => {
  function sizeOf(terminal: OwnedFd): readonly number[] {
    const size = new Uint16Array(4);
    kernel.call("ioctl", terminal.number, TTY.TIOCGWINSZ, size);
    return [...size];
  }

  it("gives one terminal the size of another", () => {
    using from = openTerminal();
    using to = openTerminal();
    kernel.call("ioctl", from.number, TTY.TIOCSWINSZ, Uint16Array.of(24, 80, 0, 0));
    copyWindowSize(kernel, from.number, to.number);
    expect(sizeOf(to)).to.deep.equal([24, 80, 0, 0]);
  });

  it("does nothing when either is none", () => {
    using terminal = openTerminal();
    using file = openFile(kernel, "/dev/null", OPEN.O_RDWR);
    kernel.call("ioctl", terminal.number, TTY.TIOCSWINSZ, Uint16Array.of(24, 80, 0, 0));
    copyWindowSize(kernel, file.number, terminal.number);
    copyWindowSize(kernel, terminal.number, file.number);
    expect(sizeOf(terminal)).to.deep.equal([24, 80, 0, 0]);
  });
});
