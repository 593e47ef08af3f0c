import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "./errno.ts";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What a root directory is known by: made up once. */
export function uuidOf(root: string): string {
  const path = join(root, "uuid");
  try {
    const text = readFileSync(path, "utf8").trim();
    if (UUID.test(text)) return text;
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
  }
  const uuid = crypto.randomUUID();
  writeFileSync(path, `${uuid}\n`, { mode: 0o600 });
  return uuid;
}
