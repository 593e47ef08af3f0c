/**
 * Bench: how long it takes, and how much memory, beside runc and crun on the same bundles.
 *
 *   npm run bench -- [--runtime PATH] [--rounds N] [--only WORK] [--no-write]
 *
 * hyperfine starts every command without a shell. The runtimes take turns in short rounds, each round in another order, so
 * that a slow moment of the machine falls on all of them; a figure is the median of all times of all rounds. The lifecycle
 * is one command too: lifecycle.c starts the three processes and awaits the container's end on a pidfd. Where the machine
 * has hybrid cgroups, everything runs in a mount namespace without the unified hierarchy, which crun refuses.
 *
 * Writes results.md beside this file. A peer that is not installed is named and counted as skipped; a goal that is not met
 * is red.
 */
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { readOptions } from "../harness/options.ts";
import { makeRootfs } from "../harness/rootfs.ts";
import {
  findProgram,
  findRuntime,
  isHybridCgroup,
  type Runtime,
  versionOf,
  WITHOUT_UNIFIED,
} from "../harness/runtime.ts";
import { say, Tally } from "../harness/tally.ts";
import { type Workspace, withWorkspace } from "../harness/workspace.ts";
import { describeMachine } from "./machine.ts";
import { Site, timeCommand } from "./measure.ts";
import { formatTable, judgeRow, type Row } from "./report.ts";
import { median } from "./statistics.ts";
import { MEASURED_WORKS, rowsOf, TIMED_WORKS, type TimedWork } from "./works.ts";

const PEERS: readonly string[] = ["runc", "crun"];
/** Above this load average, others compete for the processors. */
const QUIET_LOAD = 0.5;

type Figures = Map<string, Map<string, number>>;

function note(figures: Figures, work: string, runtime: string, value: number | undefined): void {
  if (value === undefined) return;
  const row = figures.get(work) ?? new Map<string, number>();
  row.set(runtime, value);
  figures.set(work, row);
}

function rotate<T>(items: readonly T[], by: number): readonly T[] {
  return items.map((_, index) => items[(index + by) % items.length]).filter((item) => item !== undefined);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Times one work in rounds. A runtime that cannot do it drops out and says why. */
async function timeInRounds(
  work: TimedWork,
  sites: readonly Site[],
  rounds: number,
): Promise<ReadonlyMap<Site, number>> {
  const commands = new Map<Site, readonly string[]>();
  const times = new Map<Site, number[]>();
  for (const site of sites) {
    try {
      commands.set(site, await work.prepare(site));
      times.set(site, []);
    } catch (error) {
      say(`  ${work.name}: ${site.runtime.name} drops out: ${reason(error)}`);
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const site of rotate([...commands.keys()], round)) {
      try {
        times.get(site)?.push(...(await timeCommand(site, commands.get(site) ?? [], work.runs)));
      } catch (error) {
        say(`  ${work.name}: ${site.runtime.name} drops out: ${reason(error)}`);
        commands.delete(site);
        times.delete(site);
      }
    }
  }
  return new Map([...times].filter(([, all]) => all.length > 0).map(([site, all]) => [site, median(all)]));
}

function isWanted(name: string, only: readonly string[] | undefined): boolean {
  return only?.some((part) => name.includes(part)) ?? true;
}

function isUnknown({ unknownTo = [] }: TimedWork, { name }: Runtime): boolean {
  return unknownTo.includes(name);
}

/** How many runtimes a row of the table must have a figure of. */
function wantedFigures(row: Row, runtimes: readonly Runtime[]): number {
  const work = TIMED_WORKS.find(({ name }) => name === row.name);
  return runtimes.filter((runtime) => work === undefined || !isUnknown(work, runtime)).length;
}

async function collect(sites: readonly Site[], rounds: number, only: readonly string[] | undefined): Promise<Figures> {
  const figures: Figures = new Map();
  for (const work of TIMED_WORKS.filter(({ name }) => isWanted(name, only))) {
    const able = sites.filter(({ runtime }) => !isUnknown(work, runtime));
    for (const [site, value] of await timeInRounds(work, able, rounds))
      note(figures, work.name, site.runtime.name, value);
  }
  for (const work of MEASURED_WORKS.filter(({ names }) => names.some((name) => isWanted(name, only))))
    for (const site of sites) {
      try {
        const values = await work.measure(site);
        for (const [index, name] of work.names.entries()) note(figures, name, site.runtime.name, values[index]);
      } catch (error) {
        say(`  ${work.names[0]}: ${site.runtime.name} drops out: ${reason(error)}`);
      }
    }
  return figures;
}

function buildLifecycle(workspace: Workspace): string {
  const output = join(workspace.folder, "lifecycle");
  const source = join(import.meta.dir, "lifecycle.c");
  const result = Bun.spawnSync({ cmd: ["cc", "-O1", "-static", "-w", "-o", output, source], stderr: "pipe" });
  if (result.exitCode !== 0) throw new Error(`cannot build lifecycle.c: ${result.stderr.toString()}`);
  return output;
}

function resultsText(rows: readonly Row[], runtimes: readonly Runtime[], candidate: string, hybrid: boolean): string {
  const names = runtimes.map(({ name }) => name);
  return `# Bench

Written by \`npm run bench\`. Medians; the runtimes take turns on the same bundle. A ratio is ${candidate}'s figure divided by the
peer's, so less is better.

- Machine: ${describeMachine()}, ${hybrid ? "hybrid cgroups, measured without the unified hierarchy because crun refuses it" : "one cgroup layout for all"}.
- Versions: ${runtimes.map(versionOf).join(", ")}.

${formatTable(rows, names, candidate)}
`;
}

/** Runs this program again where crun works. Returns its exit status. */
async function runWithoutUnified(): Promise<number> {
  const child = Bun.spawn({
    cmd: [...WITHOUT_UNIFIED, process.execPath, ...process.execArgv, import.meta.path, ...process.argv.slice(2)],
    stdio: ["inherit", "inherit", "inherit"],
    env: { ...process.env, BENCH_HYBRID: "1" },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  return await child.exited;
}

function judge(tally: Tally, rows: readonly Row[], candidate: string): void {
  for (const verdict of rows.flatMap((row) => judgeRow(row, candidate))) {
    if (verdict.met === undefined) tally.skip("goal", verdict.text);
    else if (verdict.met) tally.pass(`goal ${verdict.text}`);
    else tally.fail(`goal ${verdict.text}`);
  }
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    runtime: { type: "string", default: join(import.meta.dir, "../../dist/tsrun") },
    rounds: { type: "string", default: "5" },
    only: { type: "string", multiple: true },
    "no-write": { type: "boolean", default: false },
  });
  if (findProgram("hyperfine") === undefined) throw new Error("cannot measure: hyperfine is not installed");
  const hasCrun = findRuntime("crun") !== undefined;
  if (hasCrun && isHybridCgroup()) return await runWithoutUnified();

  const [load = 0] = loadavg();
  if (load > QUIET_LOAD) say(`load average ${load.toFixed(2)}: these are the figures of a busy machine`);
  const tally = new Tally();
  const candidate = findRuntime(values.runtime);
  if (candidate === undefined) tally.skip(values.runtime, "not there");
  const peers = PEERS.map((name) => findRuntime(name)).filter((peer) => peer !== undefined);
  for (const name of PEERS) if (!peers.some((peer) => peer.name === name)) tally.skip(name, "not installed");
  const runtimes = [...(candidate === undefined ? [] : [candidate]), ...peers];
  const ownName = candidate?.name ?? "tsrun";
  const rows = await withWorkspace("bench", async (workspace) => {
    makeRootfs(join(workspace.folder, "rootfs"));
    const lifecycle = buildLifecycle(workspace);
    const sites = runtimes.map((runtime) => new Site(runtime, workspace, lifecycle));
    return rowsOf(await collect(sites, Number(values.rounds), values.only));
  });
  const text = resultsText(rows, runtimes, ownName, process.env["BENCH_HYBRID"] === "1");
  say(text);
  // Part of the table, or a table with holes, is not what results.md promises.
  const whole = rows.every((row) => row.figures.size === wantedFigures(row, runtimes)) && candidate !== undefined;
  if (!values["no-write"] && values.only === undefined && whole)
    writeFileSync(join(import.meta.dir, "results.md"), text);
  judge(tally, rows, ownName);
  return tally.finish();
}

process.exitCode = await main();
