import { accessSync, constants, readdirSync } from "node:fs";
import { hasErrno } from "./errno.ts";

/** access(2): whether this process may execute what is there. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The names in a directory; none where there is no directory. */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

/** The names in a directory that are numbers. */
export function numbersIn(directory: string): readonly number[] {
  return readdirSync(directory)
    .map(Number)
    .filter((number) => Number.isSafeInteger(number));
}
