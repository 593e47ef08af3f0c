import { ContainerError, explain } from "../errors.ts";
import { spawned } from "../linux/spawned.ts";
import type { Stdio } from "../runtime/options.ts";

/** How a program is run. */
export interface RunOptions {
  /** Without, its input is empty, and its outputs are kept. */
  readonly stdio?: Stdio;
  readonly stdin?: string;
}

/** Where the program is looked for, and all of the environment that it gets. */
export type SearchPath = string | undefined;

/** How it ended. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A runtime that takes longer hangs. */
const TIMEOUT_MS = 60_000;

/** Runs a program of the host to its end. @throws {ContainerError} when it cannot be started */
export async function runProgram(
  cmd: readonly string[],
  path: SearchPath,
  { stdio, stdin }: RunOptions = {},
): Promise<Outcome> {
  const child = start(
    cmd,
    path,
    stdio ?? [stdin === undefined ? "ignore" : new TextEncoder().encode(stdin), "pipe", "pipe"],
  );
  const text = async (stream: unknown) => (stream instanceof ReadableStream ? await new Response(stream).text() : "");
  // A process that it leaves behind has its outputs too: only its own end is waited for then.
  const output = stdio === undefined ? [text(child.stdout), text(child.stderr)] : [];
  const [status, stdout = "", stderr = ""] = await Promise.all([child.exited, ...output]);
  return { status, stdout, stderr };
}

function start(
  cmd: readonly string[],
  path: SearchPath,
  stdio: readonly ("ignore" | "pipe" | Uint8Array | number)[],
): Bun.Subprocess {
  const [stdin = "ignore", stdout = "ignore", stderr = "ignore"] = stdio;
  const env = { PATH: path ?? "" };
  try {
    return spawned(
      Bun.spawn({
        cmd: [...cmd],
        env,
        // Bun's types know no streams as numbers beside arrays.
        stdio: [stdin, stdout, stderr] as ["ignore", "pipe", "pipe"],
        timeout: TIMEOUT_MS,
        killSignal: "SIGKILL",
      }),
    );
  } catch (error) {
    throw cannotRun(cmd[0] ?? "", error);
  }
}

function cannotRun(program: string, cause: unknown): ContainerError {
  return new ContainerError("failed_precondition", `cannot run ${program}: ${explain(cause)}`);
}

/** The message of the last line of level error in a log of JSON lines. */
export function lastError(log: string): string | undefined {
  return log
    .split("\n")
    .flatMap((line) => {
      try {
        const entry: unknown = JSON.parse(line);
        const isError = typeof entry === "object" && entry !== null && "level" in entry && entry.level === "error";
        return isError && "msg" in entry && typeof entry.msg === "string" ? [entry.msg] : [];
      } catch {
        return [];
      }
    })
    .at(-1);
}
