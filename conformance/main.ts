/**
 * npm run conformance: runs the judges of this folder one after the other and prints a table. The last line is the sum.
 *
 *   npm run conformance -- [--runtime NAME] [--only SUITE[,SUITE]…]… [--long] [--no-write]
 *
 * Needs root. What the suites use from Debian is installed by apt where it is missing. With tsrun as the runtime it writes
 * results.md, unless `--no-write` says otherwise, and with `--only` the lines of those suites. With `--runtime`, a name or a
 * path, the suites that can judge another runtime do, and nothing is written. `--long` is for those that are
 * shortened: faults, soak, daemon-faults, fuzz.
 *
 * results.md names the suites. Each has options of its own: `bun conformance/SUITE/main.ts --help`.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { readOptions } from "./harness/options.ts";
import { findProgram, isHybridCgroup } from "./harness/runtime.ts";
import { say } from "./harness/tally.ts";
import {
  type Counts,
  countRun,
  mergeRows,
  type Row,
  renderResults,
  renderRows,
  sumOf,
  type Versions,
} from "./results.ts";
import { SUITES, type Suite } from "./suites.ts";

/** Peers and the words that make each print its version. */
const PEERS: readonly (readonly [string, readonly string[]])[] = [
  ["runc", ["--version"]],
  ["crun", ["--version"]],
  ["containerd", ["--version"]],
  ["podman", ["--version"]],
  ["buildah", ["--version"]],
  ["dockerd", ["--version"]],
  ["criu", ["--version"]],
];

const RESULTS = join(import.meta.dir, "results.md");

/** A suite that takes longer hangs; in its long form, on a machine that has other work, too. */
const SUITE_MS = 1_800_000;
const LONG_SUITE_MS = 4 * 3_600_000;
const KILLED = 137;
/** The suites say everything before their last lines; that is enough of it to find them. */
const MAX_TAIL = 4096;

function versionsHere(): Versions {
  const cgroups = isHybridCgroup()
    ? "v1 and v2 (hybrid)"
    : findProgram("/sys/fs/cgroup/cgroup.controllers")
      ? "v2"
      : "v1";
  const versions: [string, string][] = [
    ["Linux", /^[\d.]+/.exec(release())?.[0] ?? release()],
    ["cgroups", cgroups],
  ];
  for (const [name, words] of PEERS) {
    const path = findProgram(name);
    if (path === undefined) continue;
    const { stdout } = Bun.spawnSync([path, ...words], { stderr: "ignore" });
    const version = /\d+\.\d+[\w.+~-]*/.exec(stdout.toString())?.[0];
    versions.push([name, version ?? "unknown"]);
  }
  return new Map(versions);
}

/** Runs a suite, passes on what it says, and counts. */
async function runSuite(suite: Suite, options: readonly string[], limitMs: number): Promise<Counts> {
  say(`== ${suite.name}`);
  const begin = performance.now();
  const child = Bun.spawn([process.execPath, join(import.meta.dir, suite.name, "main.ts"), ...options], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  let tail = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    process.stdout.write(chunk);
    tail = `${tail}${decoder.decode(chunk, { stream: true })}`.slice(-MAX_TAIL);
  }
  await child.exited;
  const status = child.exitCode ?? KILLED;
  const counts = countRun(tail, status);
  if (status !== 0 && !tail.includes(`${counts.failed} failed`))
    say(`FAIL  ${suite.name} exited with status ${status}`);
  say(`   ${suite.name}: ${Math.round((performance.now() - begin) / 1000)} s`);
  return counts;
}

interface Choice {
  readonly runtime: string | undefined;
  readonly only: readonly string[] | undefined;
  readonly long: boolean;
}

async function runAll({ runtime, only, long }: Choice): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const suite of SUITES) {
    if (only !== undefined && !only.includes(suite.name)) continue;
    const form = (long ? suite.long : suite.short) ?? [];
    const options = [...form, ...(runtime === undefined ? [] : ["--runtime", runtime])];
    const isAble = runtime === undefined || suite.ownOnly === undefined;
    const limitMs = long ? LONG_SUITE_MS : SUITE_MS;
    rows.push({ suite, counts: isAble ? await runSuite(suite, options, limitMs) : undefined });
  }
  return rows;
}

/** Why the run cannot begin, in words for its user. */
function findFault(only: readonly string[] | undefined, name: string | undefined): string | undefined {
  const unknown = only?.find((each) => SUITES.every((suite) => suite.name !== each));
  const suites = SUITES.map((suite) => suite.name).join(", ");
  if (unknown !== undefined) return `there is no suite ${JSON.stringify(unknown)}; there are ${suites}`;
  if (name !== undefined && findProgram(name) === undefined)
    return `there is no runtime ${JSON.stringify(name)}: give a path, or the name of a program in PATH`;
  return process.geteuid?.() === 0 ? undefined : "the suites need root: use sudo";
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    runtime: { type: "string" },
    only: { type: "string", multiple: true },
    long: { type: "boolean", default: false },
    "no-write": { type: "boolean", default: false },
  });
  const only = values.only?.flatMap((names) => names.split(","));
  const fault = findFault(only, values.runtime);
  if (fault !== undefined) {
    process.stderr.write(`conformance: ${fault}\n`);
    return 1;
  }
  const runtime = values.runtime === undefined ? undefined : findProgram(values.runtime);
  const installer = join(import.meta.dir, "../.ci/run");
  Bun.spawnSync(["bash", installer, "--install"], { stdio: ["ignore", "inherit", "inherit"] });
  const rows = await runAll({ runtime, only, long: values.long });
  for (const line of renderRows(rows)) say(line);
  if (runtime === undefined && !values["no-write"]) {
    const earlier = existsSync(RESULTS) ? readFileSync(RESULTS, "utf8") : "";
    writeFileSync(RESULTS, renderResults(mergeRows(SUITES, rows, earlier), versionsHere()));
  }
  const { passed, failed, skipped } = sumOf(rows);
  say(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = await main();
