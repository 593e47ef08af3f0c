import { join } from "node:path";
import { errnoNumber } from "../../linux/constants/errno.ts";
import { AT_FDCWD, FILE_TYPE, OPEN } from "../../linux/constants/files.ts";
import { checkResult } from "../../linux/fd.ts";
import { openFile } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import type { Bundle } from "./bundle.ts";

/** Opened for both: it has no end as long as this is open, and a shim never waits for a reader. */
const FLAGS = OPEN.O_RDWR + OPEN.O_NONBLOCK;
const MODE = 0o700;
const MAX_LINE_CHARS = 4096;

/** Who reads what shims have to say: warnings, and all the rest. */
interface LogReaders {
  readonly warn: (message: string) => void;
  readonly tell: (message: string) => void;
}

/** Shims write lines of logrus. */
const IDLE_TALK = /\blevel=(?:trace|debug|info)\b/;

/** The FIFO `log` of a bundle, into which a shim writes what nobody has asked for. */
export class ShimLog {
  readonly #close: () => void;

  private constructor(close: () => void) {
    this.#close = close;
  }

  /** Makes the FIFO if it is not there, and passes each line on. @throws {SyscallError} */
  static open(kernel: Kernel, { path, id }: Bundle, { warn, tell }: LogReaders): ShimLog {
    const file = join(path, "log");
    const result = kernel.call("mknodat", AT_FDCWD, file, FILE_TYPE.S_IFIFO + MODE, 0);
    if (result !== -errnoNumber("EEXIST")) checkResult(result, { doing: `make ${file}`, path: file }, "mknodat");
    const fd = openFile(kernel, file, FLAGS).release();
    const take = (line: string): void => {
      const speak = IDLE_TALK.test(line) ? tell : warn;
      if (line !== "") speak(`shim of ${id}: ${line.slice(0, MAX_LINE_CHARS)}`);
    };
    const reader = Bun.file(fd).stream().getReader();
    const read = async () => {
      const decoder = new TextDecoder();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
        rest = (lines.pop() ?? "").slice(0, MAX_LINE_CHARS);
        for (const line of lines) take(line);
      }
      kernel.call("close", fd);
    };
    read().catch(() => undefined);
    return new ShimLog(() => reader.cancel().catch(() => undefined));
  }

  close(): void {
    this.#close();
  }
}
