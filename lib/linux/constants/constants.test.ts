import { writeFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { CAPABILITIES } from "../../spec/capability.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { errnoNumber, errnoSymbol, errnoText } from "./errno.ts";
import { AT, CLOSE_RANGE, FILE_TYPE, FILESYSTEM_MAGIC, LOCK, MEMFD, OPEN, RESOLVE } from "./files.ts";
import { FSMOUNT, FSOPEN, MOUNT_ATTR, MOVE_MOUNT, OPEN_TREE, PROPAGATION, UMOUNT } from "./mounts.ts";
import { CLONE, PR_CAP_AMBIENT, PRCTL, RLIMITS, SIGNALS } from "./processes.ts";
import { MSG, POLL, SOCK_FLAGS, SOCKET } from "./sockets.ts";
import { type SyscallName, syscallNumber } from "./syscalls.ts";
import { TTY } from "./terminals.ts";

const HEADERS = [
  "fcntl.h",
  "poll.h",
  "signal.h",
  "stdio.h",
  "sys/file.h",
  "sys/ioctl.h",
  "sys/resource.h",
  "sys/socket.h",
  "sys/stat.h",
  "asm/termbits.h",
  "linux/capability.h",
  "linux/close_range.h",
  "linux/magic.h",
  "linux/memfd.h",
  "linux/mount.h",
  "linux/openat2.h",
  "linux/prctl.h",
  "linux/sched.h",
];

/** The values that this machine's headers give to names; a name they do not have is missing. */
function evaluate(headers: readonly string[], names: readonly string[]): Readonly<Record<string, string>> {
  using directory = new TemporaryDirectory();
  const includes = headers.map((header) => `#include <${header}>`);
  const lines = names.map((name) => `#ifdef ${name}\nprintf("${name} %lld\\n", (long long)(${name}));\n#endif`);
  const source = ["#define _GNU_SOURCE", ...includes, "int main(void) {", ...lines, "return 0; }"];
  writeFileSync(directory.at("print.c"), `${source.join("\n")}\n`);
  const cc = ["cc", "-w", "-o", directory.at("print"), directory.at("print.c")];
  const compiled = Bun.spawnSync({ cmd: cc });
  if (compiled.exitCode !== 0) throw new Error(compiled.stderr.toString());
  const output = Bun.spawnSync({ cmd: [directory.at("print")] }).stdout.toString();
  const pairs = output.trim().split("\n");
  return Object.fromEntries(pairs.map((line) => line.split(" ") as [string, string]));
}

/** What the headers say of what we say: nothing but ours where they agree, and what they do not know. */
function differences(headers: readonly string[], ours: Readonly<Record<string, number | bigint>>): readonly string[] {
  const theirs = evaluate(headers, Object.keys(ours));
  return Object.entries(ours)
    .filter(([name, value]) => theirs[name] !== undefined && theirs[name] !== String(value))
    .map(([name, value]) => `${name} is ${theirs[name]}, not ${value}`);
}

describe("constants", () => {
  const capabilities = Object.fromEntries(CAPABILITIES.map((name, number) => [name, number]));
  const tables: Readonly<Record<string, Readonly<Record<string, number | bigint>>>> = {
    OPEN,
    AT,
    RESOLVE,
    FILE_TYPE,
    FILESYSTEM_MAGIC,
    MEMFD,
    CLOSE_RANGE,
    LOCK,
    MOUNT_ATTR,
    FSOPEN,
    FSMOUNT,
    OPEN_TREE,
    MOVE_MOUNT,
    CLONE,
    PRCTL,
    PR_CAP_AMBIENT,
    RLIMITS,
    SIGNALS,
    SOCKET,
    SOCK_FLAGS,
    MSG,
    POLL,
    TTY,
    capabilities,
  };
  it("are those of this machine's headers", () => {
    const ours = Object.assign({}, ...Object.values(tables));
    expect(differences(HEADERS, ours)).to.deep.equal([]);
    expect(Object.keys(evaluate(HEADERS, Object.keys(ours))).length).to.be.greaterThan(130);
  });

  it("are those of this machine's <sys/mount.h>", () => {
    expect(differences(["stdio.h", "sys/mount.h"], { ...PROPAGATION, ...UMOUNT })).to.deep.equal([]);
  });
});

describe("syscallNumber()", () => {
  const names = ["openat", "clone3", "execve", "statx", "mount_setattr", "close_range", "wait4", "pivot_root"] as const;

  for (const [architecture, header] of [
    ["x64", "asm/unistd_64.h"],
    ["arm64", "asm-generic/unistd.h"],
  ] as const) {
    it(`is what ${header} says, for ${architecture}`, () => {
      const all = syscallNames();
      const ours = Object.fromEntries(all.map((name) => [`__NR_${name}`, syscallNumber(name, architecture)]));
      expect(differences(["stdio.h", header], ours)).to.deep.equal([]);
      expect(Object.keys(evaluate(["stdio.h", header], Object.keys(ours))).length).to.be.at.least(all.length - 2);
    });
  }

  it("is another one on each architecture, but for the new calls", () => {
    const same = names.filter((name) => syscallNumber(name, "x64") === syscallNumber(name, "arm64"));
    expect(same).to.deep.equal(["clone3", "mount_setattr", "close_range"]);
  });
});

/** The names are in the table alone: every word of the source that has two numbers. */
function syscallNames(): readonly SyscallName[] {
  const source = new URL("./syscalls.ts", import.meta.url).pathname;
  const text = Bun.spawnSync({ cmd: ["cat", source] }).stdout.toString();
  return [...text.matchAll(/^ {2}(\w+): \[\d+, \d+\],$/gm)].map(([, name]) => name as SyscallName);
}

describe("errno", () => {
  const numbers = Array.from({ length: 133 }, (_, index) => index + 1);
  const named = numbers.filter((number) => !/^E\d+$/.test(errnoSymbol(number)));

  it("has the numbers of this machine's headers", () => {
    const ours = Object.fromEntries(named.map((number) => [errnoSymbol(number), number]));
    expect(differences(["stdio.h", "errno.h"], ours)).to.deep.equal([]);
    expect(named.length).to.be.greaterThan(120);
  });

  it("has the texts of strerror(3), in small letters", () => {
    using directory = new TemporaryDirectory();
    const source = `#include <stdio.h>\n#include <string.h>\nint main(void) { for (int i = 1; i < 134; i++) puts(strerror(i)); return 0; }\n`;
    writeFileSync(directory.at("print.c"), source);
    Bun.spawnSync({ cmd: ["cc", "-o", directory.at("print"), directory.at("print.c")] });
    const texts = Bun.spawnSync({ cmd: [directory.at("print")] })
      .stdout.toString()
      .toLowerCase()
      .split("\n");
    const other = named.filter(
      (number) =>
        !errnoText(number)
          .toLowerCase()
          .startsWith(texts[number - 1] ?? "?"),
    );
    expect(other.map((number) => [errnoText(number), texts[number - 1]])).to.deep.equal([]);
  });

  it("has a word for what it does not know", () => {
    expect([errnoSymbol(4000), errnoText(4000)]).to.deep.equal(["E4000", "unknown error (E4000)"]);
  });

  it("goes both ways", () => {
    expect([errnoNumber("EPERM"), errnoSymbol(2), errnoText(13)]).to.deep.equal([
      1,
      "ENOENT",
      "permission denied (EACCES)",
    ]);
  });
});
