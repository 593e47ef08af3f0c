import { explain } from "../../lib/errors.ts";
import { openKernel } from "../../lib/linux/kernel.ts";
import { syncFilesystem } from "../../lib/linux/sync.ts";
import { writeStderr } from "../output.ts";

/** Brings the filesystem of the directory it is given to the disk, for tsrund, and ends. Returns the exit status. */
export function main(): Promise<number> {
  return Promise.resolve(sync(process.argv[2] ?? ""));
}

function sync(directory: string): number {
  try {
    syncFilesystem(openKernel(), directory);
    return 0;
  } catch (error) {
    writeStderr(`${explain(error)}\n`);
    return 1;
  }
}
