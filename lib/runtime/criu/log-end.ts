import { ContainerError } from "../../errors.ts";
import { findText } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { CriuError } from "./client.ts";

/** How many lines of criu's log go into an error: the last that speak of one, or the last there are. */
const MAX_LINES = 5;

/** What criu refused, with the end of its log; any other error as it is. */
export function withLogEnd(kernel: Kernel, logFile: string, error: unknown): unknown {
  if (!(error instanceof CriuError)) return error;
  const why = errorLines(findText(kernel, logFile) ?? "");
  const said = why.length === 0 ? "" : `: ${why.join("; ")}`;
  return new ContainerError("internal", `${error.message}${said}: log file: ${logFile}`, { cause: error.cause });
}

/** criu marks what has gone wrong with `Error (FILE:LINE): `; `(00.001234)` before it is the time. */
export function errorLines(log: string): readonly string[] {
  const lines = log
    .split("\n")
    .map((line) => line.replace(/^\(\d+\.\d+\)\s*/, "").replace(/[.\s]+$/, ""))
    .filter((line) => line !== "");
  const errors = lines.filter((line) => /\bError \(/.test(line));
  return (errors.length === 0 ? lines : errors).slice(-MAX_LINES);
}
