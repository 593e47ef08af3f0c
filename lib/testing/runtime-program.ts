import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/** The built program. */
export const TSRUN: string = join(import.meta.dir, "../../dist/tsrun");

/** A program that takes longer is killed, and its test fails; short enough for the test to say so. */
const TIMEOUT_MS = 60_000;

/** How a program ended and what it wrote. */
export interface Outcome {
  /** The exit status; undefined after a signal. */
  readonly status: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is started. */
export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Its descriptors 3, 4, …; the caller closes them. */
  readonly descriptors?: readonly number[];
  /** After this it is killed. */
  readonly timeoutMs?: number;
}

/** A program that has been started. */
export interface Program {
  readonly pid: number;
  readonly outcome: Promise<Outcome>;
}

/** Starts a program. Its output goes to files: a container that stays holds them open, and nobody waits for that. */
export function startProgram(words: readonly string[], options: ProgramOptions = {}): Program {
  const folder = mkdtempSync("/tmp/tsrun-output-");
  const [stdout, stderr] = ["stdout", "stderr"].map((name) => openSync(join(folder, name), "w"));
  const child = Bun.spawn([...words], {
    cwd: options.cwd ?? "/",
    env: options.env ?? { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    stdio: ["ignore", stdout ?? "ignore", stderr ?? "ignore", ...(options.descriptors ?? [])],
    timeout: options.timeoutMs ?? TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  for (const fd of [stdout, stderr]) if (fd !== undefined) closeSync(fd);
  return { pid: child.pid, outcome: collect(child, folder) };
}

async function collect(child: Bun.Subprocess, folder: string): Promise<Outcome> {
  try {
    await child.exited;
    return {
      status: child.exitCode ?? undefined,
      signal: child.signalCode === null ? undefined : String(child.signalCode),
      stdout: readFileSync(join(folder, "stdout"), "utf8"),
      stderr: readFileSync(join(folder, "stderr"), "utf8"),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
