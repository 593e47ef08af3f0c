import { ContainerError } from "../errors.ts";

/** NAME_MAX: the id is the name of the container's state directory. */
const MAX_ID_CHARS = 255;

/**
 * runtime.md § State: an id that is safe as a file name; the characters are those runc takes.
 * @throws {ContainerError} invalid_argument
 */
export function parseContainerId(text: string): string {
  if (/^[A-Za-z0-9_+.-]+$/.test(text) && text.length <= MAX_ID_CHARS && text !== "." && text !== "..") return text;
  const allowed = `must be 1 to ${MAX_ID_CHARS} of A-Z a-z 0-9 _ + . -, not "." or ".."`;
  throw new ContainerError("invalid_argument", `invalid container ID format: ${JSON.stringify(text)}: ${allowed}`);
}
