import { checkedCall } from "./fd.ts";
import { openDirectory } from "./files.ts";
import type { Kernel } from "./kernel.ts";

/** syncfs(2): all that was written to the filesystem of a directory is on the disk when this is done. @throws {SyscallError} */
export function syncFilesystem(kernel: Kernel, directory: string): void {
  using open = openDirectory(kernel, directory);
  checkedCall(
    kernel,
    { doing: `write the filesystem of ${directory} to the disk`, path: directory },
    "syncfs",
    open.number,
  );
}
