import { join } from "node:path";

/** The folder of package.json. */
export const ROOT = join(import.meta.dirname, "..");

/** Prints one line. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export interface Outcome {
  readonly ok: boolean;
  /** Standard output and error, as they came. */
  readonly output: string;
  readonly seconds: number;
}

/** Runs a program to its end, at most `timeoutMs`; its output is kept, not shown. */
export async function run(
  cmd: readonly string[],
  { timeoutMs = 120_000, env = {} }: { readonly timeoutMs?: number; readonly env?: Record<string, string> } = {},
): Promise<Outcome> {
  const begin = performance.now();
  const child = Bun.spawn({
    cmd: [...cmd],
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const seconds = (performance.now() - begin) / 1000;
  const late = child.signalCode === "SIGKILL" ? `\nstopped after ${timeoutMs} ms\n` : "";
  return { ok: status === 0, output: stdout + stderr + late, seconds };
}
