/**
 * crun's own tests in Python, with tsrun as the runtime.
 *
 *   bun conformance/crun-tests/main.ts [--runtime PATH] [--only FILE]
 *
 * Needs root, python3 and a C compiler with a static libc; what is missing makes all of it one skip. The tests come from
 * Debian's source package and run outside of this tree. crun has options that runc and tsrun do not have; the tests give
 * them with values that change nothing, and the runtime does not get to see them. An unlisted failure is red, and so is a
 * listed test that passes.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { judgeUpstream } from "../harness/debian-source.ts";
import { loadFailing } from "../harness/failing.ts";
import { readOptions } from "../harness/options.ts";
import type { Tally } from "../harness/tally.ts";
import { judgeTap, parseTap } from "../harness/tap.ts";
import { type Workspace, withWorkspace } from "../harness/workspace.ts";

const TOOLS = ["python3", "cc", "apt-get"];

/** Tests whose verdict is the machine's, not the runtime's. */
const NOT_JUDGED: ReadonlyMap<string, string> = new Map([
  ["exec-root-netns-with-userns", "joins a namespace of pid 1, which a machine in a container may not"],
  ["exec_write_pid_file", "wants a pid of five digits"],
]);

/** Waits for ever for a listener's descriptor, though its profile has no rule that notifies: runc gives none, either. */
const HANGS = "test_seccomp.py";

/** Files that do not end by themselves when something fails: one that takes longer hangs. */
const FILE_MS = 240_000;

interface Site {
  readonly folder: string;
  readonly runtime: string;
  readonly init: string;
}

function prepare({ folder }: Workspace, source: string, runtime: string): Site {
  cpSync(join(source, "tests"), join(folder, "tests"), { recursive: true });
  const init = join(folder, "init");
  const text = readFileSync(join(folder, "tests/init.c"), "utf8");
  writeFileSync(`${init}.c`, text.replace("#include <config.h>", ""));
  const { exitCode, stderr } = Bun.spawnSync(["cc", "-static", "-O", "-o", init, `${init}.c`], { stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`cannot compile crun's init.c: ${stderr.toString()}`);
  mkdirSync(join(folder, "bin"));
  copyFileSync(init, join(folder, "tests/init"));
  return { folder, runtime: writeWrapper(folder, runtime), init };
}

/** Leaves out `--cgroup-manager cgroupfs` and `--config config.json`, which say what is so anyway. */
function writeWrapper(folder: string, runtime: string): string {
  const path = join(folder, "bin/runtime");
  const script = `#!/bin/bash
args=()
while (($# > 0)); do
  case $1 in
    --cgroup-manager|--config) shift 2 ;;
    --cgroup-manager=*|--config=*) shift ;;
    *) args+=("$1"); shift ;;
  esac
done
exec ${resolve(runtime)} "\${args[@]}"
`;
  writeFileSync(path, script, { mode: 0o755 });
  return path;
}

async function runFile({ folder, runtime, init }: Site, file: string): Promise<string> {
  const child = Bun.spawn(["python3", "-u", join(folder, "tests", file)], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
      OCI_RUNTIME: runtime,
      INIT: init,
      TMPDIR: folder,
      LC_ALL: "C.UTF-8",
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
    timeout: FILE_MS,
    killSignal: "SIGKILL",
  });
  return await child.stdout.text();
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    runtime: { type: "string", default: join(import.meta.dir, "../../dist/tsrun") },
    only: { type: "string", multiple: true },
  });
  const failing = loadFailing(import.meta.dir, basename(values.runtime));
  return await judgeUpstream({ source: "crun", tools: TOOLS }, async ({ tally, source }) => {
    await withWorkspace("crun", async (workspace) => {
      const site = prepare(workspace, source, values.runtime);
      const files = readdirSync(join(site.folder, "tests")).filter((name) => /^test_.*\.py$/.test(name));
      for (const file of files.sort().filter((name) => values.only?.includes(basename(name, ".py")) ?? true)) {
        if (file === HANGS) tally.skip(file, "it hangs unless a filter that notifies of nothing has a listener");
        else judgeFile(tally, file, await runFile(site, file), failing);
      }
      removeFrozen();
    });
  });
}

function judgeFile(tally: Tally, file: string, output: string, failing: ReadonlyMap<string, string>): void {
  const results = parseTap(output);
  const planned = Number(/^1\.\.(\d+)/m.exec(output)?.[1] ?? -1);
  if (planned === 0) {
    tally.skip(file, "it finds no test that can run here: python3-libmount is missing");
    return;
  }
  const judged = results.filter(({ name }) => !NOT_JUDGED.has(name));
  for (const [name, why] of NOT_JUDGED) {
    if (results.some((result) => result.name === name)) tally.skip(`${file}/${name}`, why);
  }
  judgeTap(tally, file, judged, failing);
  if (results.length < planned || planned < 0) tally.fail(file, [`${results.length} of ${planned} tests have ended`]);
}

/** A test of delete leaves a process in a frozen cgroup of its own making. */
function removeFrozen(): void {
  const folder = "/sys/fs/cgroup/freezer/frozen";
  if (!existsSync(folder)) return;
  const pids = (): readonly string[] =>
    readFileSync(join(folder, "cgroup.procs"), "utf8")
      .split("\n")
      .filter((line) => line !== "");
  for (const pid of pids()) process.kill(Number(pid), "SIGKILL");
  writeFileSync(join(folder, "freezer.state"), "THAWED");
  for (let round = 0; round < 50 && pids().length > 0; round++) Bun.sleepSync(20);
  rmdirSync(folder);
}

process.exit(await main());
