import { ContainerError } from "../lib/errors.ts";

/** `cannot read a: no such file or directory (ENOENT)`, from what one of Node's or Bun's file functions threw. */
export function fileError(what: string, error: unknown): ContainerError {
  const message = error instanceof Error ? error.message : String(error);
  const [, code = "", words = ""] = /^([A-Z][A-Z0-9]+): ([^,]+)/.exec(message) ?? [];
  const reason = code === "" ? message : `${words} (${code})`;
  return new ContainerError(code === "ENOENT" ? "not_found" : "internal", `${what}: ${reason}`);
}
