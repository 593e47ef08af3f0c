import { AT_FDCWD, FILE_TYPE } from "./constants/files.ts";
import { findStatus } from "./files.ts";
import type { Kernel } from "./kernel.ts";

/** What a shell looks in when PATH is not set, with the directories of administrators, in which our helpers are. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const X_OK = 1;

/** environ(7), PATH: the absolute path of the first file `name` that this process may execute. */
export function findProgram(kernel: Kernel, name: string, searchPath = DEFAULT_PATH): string | undefined {
  return searchPath
    .split(":")
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => `${directory}/${name}`)
    .find(
      (path) =>
        kernel.call("faccessat2", AT_FDCWD, path, X_OK, 0) >= 0 && findStatus(kernel, path)?.type === FILE_TYPE.S_IFREG,
    );
}
