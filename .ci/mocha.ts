import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, run } from "./shell.ts";

/** What one mocha process found. */
export interface Verdict {
  readonly passed: number;
  readonly skipped: number;
  /** One text a failure: the test's title and what went wrong. */
  readonly failures: readonly string[];
}

interface Report {
  readonly stats: { readonly passes: number; readonly pending: number };
  readonly failures: readonly { readonly fullTitle: string; readonly err: { message?: string; stack?: string } }[];
}

const TEST_TIMEOUT_MS = 90_000;
const PROCESS_TIMEOUT_MS = 400_000;

/** Runs test files in a mocha process of their own; a process that ends without a report is one failure. */
export async function runMocha(files: readonly string[]): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), "tsrun-gate-"));
  const reportFile = join(folder, "report.json");
  try {
    const { ok, output } = await run(
      [
        ...[process.execPath, "--bun", join(ROOT, "node_modules/mocha/bin/mocha.js")],
        ...["--reporter", "json", "--reporter-option", `output=${reportFile}`],
        ...["--timeout", String(TEST_TIMEOUT_MS), "--exit", ...files],
      ],
      { timeoutMs: PROCESS_TIMEOUT_MS },
    );
    return toVerdict(ok, output, readReport(reportFile));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file: string): Report | undefined {
  try {
    // mocha's json reporter: `stats` and `failures` are part of its documented output.
    return JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch {
    return undefined;
  }
}

function toVerdict(ok: boolean, output: string, report: Report | undefined): Verdict {
  if (report === undefined) return { passed: 0, skipped: 0, failures: [`mocha ended without a report:\n${output}`] };
  const { passes: passed, pending: skipped } = report.stats;
  const failures = report.failures.map(({ fullTitle, err }) => `${fullTitle}\n${err.stack ?? err.message ?? ""}`);
  if (!ok && failures.length === 0) failures.push(`mocha failed, but no test did:\n${output}`);
  return { passed, skipped, failures };
}
