import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../harness/runtime.ts";

/** Where Debian's packages have the libraries of Go that runc is built with. */
const DEBIAN_GOPATH = "/usr/share/gocode";
const PACKAGE = "github.com/opencontainers/runc";

/**
 * The programs that tests of runc 1.2 and later start: built where there is a Go with Debian's packages for it, unless the
 * source has them in tests/cmd/_bin. Gives the names of those that are there. recvtty has a stand-in.
 */
export function makeHelpers(source: string, folder: string): ReadonlySet<string> {
  const commands = join(source, "tests/cmd");
  const bin = join(folder, "tests/cmd/_bin");
  mkdirSync(bin, { recursive: true });
  if (existsSync(commands)) buildMissing(source, bin, join(folder, "go"));
  const standIn = (path: string): void => {
    copyFileSync(join(import.meta.dir, "recvtty.py"), path);
    chmodSync(path, 0o755);
  };
  const old = join(folder, "contrib/cmd/recvtty");
  mkdirSync(old, { recursive: true });
  standIn(join(old, "recvtty"));
  if (!existsSync(join(bin, "recvtty"))) standIn(join(bin, "recvtty"));
  return new Set(readdirSync(bin));
}

/** Outside of modules, as Debian builds its packages: there is nothing to fetch. */
function buildMissing(source: string, bin: string, gopath: string): void {
  const go = findProgram("go");
  if (go === undefined || !existsSync(join(DEBIAN_GOPATH, "src"))) return;
  const parent = join(gopath, "src/github.com/opencontainers");
  mkdirSync(parent, { recursive: true });
  symlinkSync(source, join(parent, "runc"));
  const names = readdirSync(join(source, "tests/cmd"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "_bin" && !existsSync(join(bin, entry.name)))
    .map(({ name }) => name);
  for (const name of names) {
    Bun.spawnSync([go, "build", "-tags", "seccomp", "-o", join(bin, name), `${PACKAGE}/tests/cmd/${name}`], {
      cwd: join(parent, "runc"),
      env: {
        ...process.env,
        GO111MODULE: "off",
        GOPATH: `${gopath}:${DEBIAN_GOPATH}`,
        GOCACHE: join(gopath, "cache"),
        GOFLAGS: "-buildvcs=false",
      },
      stdout: "ignore",
      stderr: "ignore",
    });
  }
}
