import type { EngineRuntime } from "./engine.ts";

interface Names {
  readonly folder: string;
  readonly tag: string;
  readonly runtime: EngineRuntime;
}

const HEX_ID = /\b([0-9a-f]{64}|[0-9a-f]{12})\b/g;
const TIME = /\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d\d:?\d\d| ?Z)?( UTC| [A-Z]{3,4})?/g;
/** What engines look for in a runtime's error, and what decides the exit status they give. */
const REASONS =
  /executable file not found in \$PATH|no such file or directory|permission denied|operation not permitted|not a directory|invalid argument|numerical result out of range|container not running|exit status \d+|device or resource busy/i;
const ENGINE_SUFFIX = /: (OCI [a-z ]+|unknown\.?)$/;
const BASE_NAME = /[^/]*$/;

/** Takes out of what an engine printed what differs from run to run: folders, ids, times, and the runtime's own name. */
export function normaliseOutput(lines: readonly string[], { folder, tag, runtime }: Names): readonly string[] {
  const program = BASE_NAME.exec(runtime.path)?.[0] ?? runtime.path;
  return lines.map((line) =>
    shortenError(
      line
        .replaceAll(folder, "<FOLDER>")
        .replaceAll(tag, "<TAG>")
        .replaceAll(runtime.path, "<RUNTIME>")
        .replaceAll(runtime.name, "<SITE>")
        .replace(new RegExp(`\\b${program}\\b`, "g"), "<RUNTIME>")
        .replace(HEX_ID, "<ID>")
        .replace(TIME, "<TIME>")
        .replace(/\bpid \d+/g, "pid <PID>"),
    ),
  );
}

/** Runtimes word their errors differently: what counts is the first reason that an engine understands. */
function shortenError(line: string): string {
  const at = line.search(
    /(time="<TIME>" level=error msg="|<RUNTIME>: |<RUNTIME> create failed: |(?<=OCI runtime (create|exec) failed: ))/,
  );
  if (at < 0 || !(line.startsWith("stderr: ") || line.includes("OCI runtime exec failed: "))) return line;
  const said = line.slice(at);
  const suffix = ENGINE_SUFFIX.exec(said)?.[0] ?? "";
  return `${line.slice(0, at)}<RUNTIME>: ${REASONS.exec(said)?.[0] ?? "another reason"}${suffix}`;
}
