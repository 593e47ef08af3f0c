import type { Container } from "../../../lib/client/tasks.ts";

/** The config.json that a container was made with; undefined when it is none that can be read. */
export function readSpec({ spec }: Container): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(spec?.value));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** config.md § POSIX process: the program and its arguments. */
export function specArgs(container: Container): readonly string[] {
  const process = readSpec(container)?.["process"];
  const args = isRecord(process) ? process["args"] : undefined;
  return Array.isArray(args) ? args.map(String) : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
