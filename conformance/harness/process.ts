import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A program that takes longer is killed and reported as such. */
const TIMEOUT_MS = 120_000;

/** How a program ended and what it wrote. */
export interface Outcome {
  /** The exit status; 128 + the signal's number for a killed program, as a shell says it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a program runs and what it gets. */
export interface SpawnOptions {
  /** Folder for the output files: files, not pipes, because a created container keeps them open. */
  readonly scratch: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** A program that has been started. */
export interface Running {
  readonly pid: number;
  /** What it has written to standard output until now. */
  readonly output: () => string;
  /** The same of standard error. */
  readonly errors: () => string;
  readonly outcome: Promise<Outcome>;
  readonly signal: (name: NodeJS.Signals) => void;
}

let serial = 0;

const SIGNALLED = 128;

/** Signal numbers of x86-64 and arm64 that end the programs of these suites. */
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 };

function statusOf(child: Bun.Subprocess): number {
  const signal = child.signalCode;
  if (signal !== null) return SIGNALLED + (SIGNAL_NUMBERS[String(signal)] ?? 0);
  return child.exitCode ?? -1;
}

/** Starts `command` with its output in files below `scratch`. */
export function start(command: readonly string[], options: SpawnOptions): Running {
  serial += 1;
  const stdoutPath = join(options.scratch, `${serial}.stdout`);
  const stderrPath = join(options.scratch, `${serial}.stderr`);
  const stdout = openSync(stdoutPath, "w", 0o600);
  const stderr = openSync(stderrPath, "w", 0o600);
  const child = Bun.spawn({
    cmd: [...command],
    cwd: options.cwd ?? "/",
    env: options.env ?? { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" },
    stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
    stdout,
    stderr,
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  closeSync(stdout);
  closeSync(stderr);
  const outcome = child.exited.then(() => ({
    status: statusOf(child),
    stdout: readFileSync(stdoutPath, "utf8"),
    stderr: readFileSync(stderrPath, "utf8"),
  }));
  // When a check has failed nobody waits for it, and its files go with the check's folder: no second failure.
  outcome.catch(() => undefined);
  return {
    pid: child.pid,
    output: () => readFileSync(stdoutPath, "utf8"),
    errors: () => readFileSync(stderrPath, "utf8"),
    outcome,
    signal: (name) => child.kill(name),
  };
}

/** Runs `command` to its end. */
export function run(command: readonly string[], options: SpawnOptions): Promise<Outcome> {
  return start(command, options).outcome;
}
