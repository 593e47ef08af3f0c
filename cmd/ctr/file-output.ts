import { OPEN } from "../../lib/linux/constants/files.ts";
import { checkedCall } from "../../lib/linux/fd.ts";
import { openFile, removeFile, renameFile } from "../../lib/linux/files.ts";
import type { Kernel } from "../../lib/linux/kernel.ts";
import { findAttributes } from "../../lib/linux/terminal.ts";
import { AdvisedError } from "./advice.ts";
import type { CtrContext } from "./context.ts";

const STDOUT = 1;
const NEW_FILE = OPEN.O_WRONLY + OPEN.O_CREAT + OPEN.O_TRUNC;

/**
 * Writes bytes to a file, which is there only when all of them are, or for `-` and for none to standard output.
 * @throws {SyscallError}
 */
export async function writeOutput(
  context: CtrContext,
  file: string | undefined,
  chunks: AsyncIterable<Uint8Array>,
  options: { readonly isBinary?: boolean } = {},
): Promise<void> {
  const { kernel, cwd } = context;
  if (file === undefined || file === "-") {
    if (options.isBinary === true && findAttributes(kernel, STDOUT) !== undefined) {
      throw new AdvisedError("failed_precondition", "cannot print an archive on a terminal", {
        advice: "name a file with --output, or redirect the output",
      });
    }
    // Of nothing, Bun.write() makes an empty file.
    for await (const bytes of chunks) if (bytes.length > 0) await Bun.write(Bun.stdout, bytes);
    return;
  }
  const path = file.startsWith("/") ? file : `${cwd}/${file}`;
  const temporary = `${path}.part`;
  using output = openFile(kernel, temporary, NEW_FILE, `write ${path}`, 0o644);
  try {
    for await (const bytes of chunks) writeAll(kernel, output.number, bytes, path);
    renameFile(kernel, temporary, path);
  } catch (error) {
    removeFile(kernel, temporary);
    throw error;
  }
}

function writeAll(kernel: Kernel, fd: number, bytes: Uint8Array, path: string): void {
  for (let rest = bytes; rest.length > 0; ) {
    rest = rest.subarray(checkedCall(kernel, { doing: `write ${path}`, path }, "write", fd, rest, rest.length));
  }
}
