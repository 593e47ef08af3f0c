import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { loadFailing, parseFailing } from "../harness/failing.ts";
import type { Runtime } from "../harness/runtime.ts";
import { Tally } from "../harness/tally.ts";
import { judgeTap, parseTap, type TapResult } from "../harness/tap.ts";

/** A program that takes longer hangs. */
const PROGRAM_MS = 120_000;
const NOT_RUN = 126;
/** What a program that broke off said last. */
const MAX_ERROR_LINES = 4;

/** What runtimes are known to fail of opencontainers/runtime-tools, for each of them a list. */
const LISTS = join(import.meta.dir, "upstream");

/** What one test program came to. */
export interface UpstreamRun {
  readonly results: readonly TapResult[];
  /** Why the program as a whole is no proof of anything, though its results may be. */
  readonly faults: readonly string[];
  /** Why there is nothing to test: `1..0 # SKIP why`. */
  readonly skip: string | undefined;
}

const PLAN = /^1\.\.(\d+)\s*(?:# ?[Ss][Kk][Ii][Pp]\S*\s*(.*))?$/;
const NUMBERED = /^(?:ok|not ok) (\d+)\b/;

/** testanything.org: what a run says, and what contradicts it: the plan, the numbers, `Bail out!`, the exit status. */
export function readRun(text: string, status: number): UpstreamRun {
  const lines = text.replaceAll("\r", "").split("\n");
  const results = parseTap(text);
  const plans = lines.map((line) => PLAN.exec(line)).filter((match) => match !== null);
  const faults: string[] = [];
  const [plan] = plans;
  const planned = Number(plan?.[1] ?? 0);
  if (plan === undefined) faults.push("there is no plan (1..N)");
  if (plans.length > 1) faults.push(`there are ${plans.length} plans`);
  if (plan !== undefined && results.length !== planned) faults.push(`${results.length} of ${planned} tests have ended`);
  const numbers = lines.flatMap((line) => NUMBERED.exec(line)?.[1] ?? []).map(Number);
  if (new Set(numbers).size < numbers.length) faults.push("a number is there twice");
  const bailOut = lines.find((line) => line.startsWith("Bail out!"));
  if (bailOut !== undefined) faults.push(bailOut);
  const isRed = results.some(({ verdict }) => verdict === "failed");
  if (status !== 0 && !isRed) faults.push(`it ended with the status ${status}, though nothing failed`);
  const isEmpty = plan !== undefined && planned === 0 && faults.length === 0;
  return { results, faults, skip: isEmpty ? (plan[2] ?? "it has no test") : undefined };
}

async function runProgram(file: string, folder: string, runtime: string): Promise<UpstreamRun> {
  const { PATH = "/usr/sbin:/usr/bin:/sbin:/bin" } = process.env;
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    child = Bun.spawn([file], {
      cwd: folder,
      env: { PATH, RUNTIME: runtime, LC_ALL: "C.UTF-8" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: PROGRAM_MS,
      killSignal: "SIGKILL",
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { results: [], faults: [`it cannot be run: ${why}`], skip: undefined };
  }
  const [text, said] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  const run = readRun(text, child.exitCode ?? NOT_RUN);
  if (run.faults.length === 0) return run;
  const last = said.split("\n").filter((line) => line.trim() !== "");
  return { ...run, faults: [...run.faults, ...last.slice(-MAX_ERROR_LINES).map((line) => `stderr: ${line}`)] };
}

/** Counts what a program said; what makes it as a whole no proof is one more failure. */
export function judgeRun(tally: Tally, name: string, run: UpstreamRun, failing: ReadonlyMap<string, string>): void {
  if (run.skip !== undefined) tally.skip(name, run.skip);
  judgeTap(tally, name, run.results, failing);
  const reason = failing.get(name);
  if (run.faults.length > 0 && reason === undefined) tally.fail(name, run.faults);
  else if (run.faults.length > 0) tally.pass(`${name} (fails as listed: ${reason})`);
  else if (reason !== undefined) tally.fail(name, ["listed as failing, but its run is whole"]);
}

/** Where the test programs are and what is known of them. */
export interface UpstreamChoice {
  /** A folder with programs `*.t`, at any depth; they run in it. */
  readonly folder: string;
  /** A list of known failures, `PROGRAM/TEST: REASON`, in place of those of opencontainers/runtime-tools. */
  readonly failing: string | undefined;
  readonly only: readonly string[] | undefined;
}

/**
 * opencontainers/runtime-tools, validation/: prebuilt test programs that take the runtime from RUNTIME and speak TAP. Returns
 * the exit status.
 */
export async function judgeUpstreamTests(choice: UpstreamChoice, runtime: Runtime): Promise<number> {
  const tally = new Tally();
  const folder = resolve(choice.folder);
  const failing =
    choice.failing === undefined
      ? loadFailing(LISTS, runtime.name)
      : parseFailing(readFileSync(choice.failing, "utf8"));
  const isFolder = existsSync(folder) && statSync(folder).isDirectory();
  const files = isFolder ? [...new Bun.Glob("**/*.t").scanSync({ cwd: folder })].sort() : [];
  if (files.length === 0) tally.fail(folder, ["there is no test program *.t in it"]);
  for (const file of files) {
    const name = basename(file, ".t");
    if (choice.only?.every((part) => !name.startsWith(part))) continue;
    judgeRun(tally, name, await runProgram(join(folder, file), folder, runtime.path), failing);
  }
  for (const name of failing.keys()) {
    const isThere = files.some((file) => name === basename(file, ".t") || name.startsWith(`${basename(file, ".t")}/`));
    if (!isThere) tally.fail(name, [`listed as failing, but there is no such program in ${relative(".", folder)}`]);
  }
  return tally.finish();
}
