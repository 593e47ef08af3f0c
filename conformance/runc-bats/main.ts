/**
 * runc's own integration tests, with tsrun in runc's place: a link called runc, as who installs it as a drop-in has it.
 *
 *   bun conformance/runc-bats/main.ts [--runtime PATH] [--only FILE] [--systemd]
 *
 * Needs root and Debian's bats, jq, gawk, python3 and script; a tool that is missing makes all of it one skip. The tests
 * come from Debian's source package and run outside of this tree. What they get that is not theirs: an image of busybox
 * with all its applets, and a stand-in for recvtty. An unlisted failure is red, and so is a listed test that passes.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { judgeUpstream } from "../harness/debian-source.ts";
import { loadFailing } from "../harness/failing.ts";
import { readOptions } from "../harness/options.ts";
import { findProgram } from "../harness/runtime.ts";
import type { Tally } from "../harness/tally.ts";
import { judgeTap, parseTap } from "../harness/tap.ts";
import { cgroupsNamed, type Workspace, withWorkspace } from "../harness/workspace.ts";
import { makeHelpers } from "./helpers.ts";
import { makeImages } from "./images.ts";

const TOOLS = ["bats", "jq", "gawk", "python3", "script", "busybox", "apt-get"];

/** Files that cannot be run here, whatever the runtime. */
const NOT_RUN: ReadonlyMap<string, string> = new Map([["mounts_sshfs.bats", "needs a server for sshfs"]]);

/** Files that cannot be run without one of runc's own programs, which are not packaged. */
const NEEDS: ReadonlyMap<string, string> = new Map([
  ["seccomp-notify.bats", "seccompagent"],
  ["seccomp-notify-compat.bats", "seccompagent"],
  ["pidfd-socket.bats", "pidfd-kill"],
  ["idmap.bats", "fs-idmap"],
]);

/** A file that takes longer hangs. */
const FILE_MS = 240_000;

interface Site {
  readonly runtime: string;
  readonly tests: string;
  readonly temporary: string;
  readonly systemd: boolean;
  /** The programs beside the tests that are there. */
  readonly helpers: ReadonlySet<string>;
}

/** A copy of the tests with what they need around them. */
function prepare({ folder }: Workspace, source: string, runtime: string, systemd: boolean): Site {
  const tests = join(folder, "tests/integration");
  cpSync(join(source, "tests"), join(folder, "tests"), { recursive: true });
  const helpers = makeHelpers(source, folder);
  const images = makeImages(folder);
  const names = Object.entries(images).map(([name, image]) => `echo ${name}_IMAGE=${image}`);
  writeFileSync(join(tests, "get-images.sh"), `#!/bin/sh\n${names.join("\n")}\n`, { mode: 0o755 });
  mkdirSync(join(folder, "bin"));
  symlinkSync(resolve(runtime), join(folder, "bin/runc"));
  mkdirSync(join(folder, "tmp"));
  return { runtime: join(folder, "bin/runc"), tests, temporary: join(folder, "tmp"), systemd, helpers };
}

/** Some tests want a controlling terminal, which script(1) gives them. */
async function runFile({ runtime, tests, temporary, systemd }: Site, file: string): Promise<string> {
  const child = Bun.spawn(["script", "-qefc", `bats -t ${file}`, "/dev/null"], {
    cwd: tests,
    env: {
      PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
      RUNC: runtime,
      TMPDIR: temporary,
      TERM: "xterm",
      LC_ALL: "C.UTF-8",
      ...(systemd ? { RUNC_USE_SYSTEMD: "yes" } : {}),
    },
    // At its end script(1) types what ends the input of the terminal, into whatever runs there.
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
    timeout: FILE_MS,
    killSignal: "SIGTERM",
  });
  const output = await child.stdout.text();
  await child.stdin.end();
  return output;
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    runtime: { type: "string", default: join(import.meta.dir, "../../dist/tsrun") },
    only: { type: "string", multiple: true },
    systemd: { type: "boolean", default: false },
  });
  return await judgeUpstream({ source: "runc", tools: TOOLS }, async ({ tally, source }) => {
    const failing = loadFailing(listsOf(source), basename(values.runtime));
    await withWorkspace("bats", async (workspace) => {
      const site = prepare(workspace, source, values.runtime, values.systemd);
      const files = readdirSync(site.tests).filter((name) => name.endsWith(".bats"));
      for (const file of files.sort().filter((name) => values.only?.includes(basename(name, ".bats")) ?? true)) {
        await judgeFile(tally, site, file, failing);
      }
      removeTestCgroups();
    });
  });
}

/** The lists are for the tests of a version: those of 1.3 are in `1.3`, those of Debian bookworm's 1.1 here. */
function listsOf(source: string): string {
  const version = /^\d+\.\d+/.exec(readFileSync(join(source, "VERSION"), "utf8"))?.[0] ?? "";
  const folder = join(import.meta.dir, version);
  return existsSync(folder) ? folder : import.meta.dir;
}

async function judgeFile(tally: Tally, site: Site, file: string, failing: ReadonlyMap<string, string>): Promise<void> {
  const why = NOT_RUN.get(file) ?? whyNoHelper(site, file) ?? (file === "checkpoint.bats" ? whyNoCriu() : undefined);
  if (why !== undefined) {
    tally.skip(file, why);
    return;
  }
  const output = await runFile(site, file);
  const results = parseTap(output);
  const planned = Number(/^1\.\.(\d+)/m.exec(output)?.[1] ?? 0);
  judgeTap(tally, file, results, failing);
  if (results.length < planned || planned === 0) {
    tally.fail(file, [`${results.length} of ${planned} tests have ended`]);
  }
}

/** The parent that the tests make for their cgroups, and leave. */
function removeTestCgroups(): void {
  for (const path of cgroupsNamed("runc-cgroups-integration-test")) {
    try {
      rmdirSync(path);
    } catch {
      // somebody else's tests may be at it
    }
  }
}

function whyNoHelper({ helpers }: Site, file: string): string | undefined {
  const needed = NEEDS.get(file);
  return needed === undefined || helpers.has(needed) ? undefined : `needs runc's ${needed}, which is not packaged`;
}

function whyNoCriu(): string | undefined {
  if (findProgram("criu") === undefined) return "criu is not installed";
  return Bun.spawnSync(["criu", "check"]).exitCode === 0 ? undefined : "criu check fails on this kernel";
}

process.exit(await main());
