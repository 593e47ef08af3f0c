import { OPEN } from "../../lib/linux/constants/files.ts";
import { checkedCall } from "../../lib/linux/fd.ts";
import { openFile } from "../../lib/linux/files.ts";
import { findAttributes } from "../../lib/linux/terminal.ts";
import { AdvisedError } from "./advice.ts";
import type { CtrContext } from "./context.ts";

const STDIN = 0;
const CHUNK_BYTES = 1024 * 1024;

/** The bytes of a file, or for `-` of standard input. @throws {SyscallError} */
export async function* readInput({ kernel, cwd }: CtrContext, file: string): AsyncGenerator<Uint8Array> {
  if (file === "-") {
    if (findAttributes(kernel, STDIN) !== undefined) {
      throw new AdvisedError("failed_precondition", "cannot read an archive from a terminal", {
        advice: "name a file, or redirect the input",
      });
    }
    yield* Bun.stdin.stream();
    return;
  }
  const path = file.startsWith("/") ? file : `${cwd}/${file}`;
  using input = openFile(kernel, path, OPEN.O_RDONLY, `read ${path}`);
  for (;;) {
    const buffer = new Uint8Array(CHUNK_BYTES);
    const bytes = checkedCall(kernel, { doing: `read ${path}`, path }, "read", input.number, buffer, buffer.length);
    if (bytes === 0) return;
    yield buffer.subarray(0, bytes);
  }
}
