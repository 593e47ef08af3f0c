import { ContainerError } from "../../lib/errors.ts";
import { readBoundedText } from "../../lib/linux/bounded-file.ts";
import { absolutePath } from "../path.ts";
import type { CtrContext } from "./context.ts";

/** The text of a file that an option names. @throws {ContainerError} that names both */
export function readFlagFile(
  { kernel, cwd }: Pick<CtrContext, "kernel" | "cwd">,
  { option, file, maxBytes }: { readonly option: string; readonly file: string; readonly maxBytes: number },
): string {
  try {
    return readBoundedText(kernel, absolutePath(cwd, file), maxBytes);
  } catch (error) {
    throw wrongFile(`--${option} ${file}`, error);
  }
}

function wrongFile(what: string, cause: unknown): ContainerError {
  return new ContainerError("invalid_argument", what, { cause });
}
