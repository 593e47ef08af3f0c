import { createText, isErrno, removeFile } from "../../lib/linux/files.ts";
import { absolutePath } from "../path.ts";
import { AdvisedError } from "./advice.ts";
import type { CtrContext } from "./context.ts";

const READABLE_BY_ALL = 0o644;

/** `--cidfile`: makes a container whose id a file names; one that is not made has no file. @throws {AdvisedError} */
export async function withIdFile<T>(
  { kernel, cwd }: CtrContext,
  { file, id }: { readonly file: string; readonly id: string },
  make: () => Promise<T>,
): Promise<T> {
  const path = absolutePath(cwd, file);
  try {
    createText(kernel, path, id, READABLE_BY_ALL);
  } catch (error) {
    throw isErrno(error, "EEXIST") ? isThere(file, error) : error;
  }
  try {
    return await make();
  } catch (error) {
    removeFile(kernel, path);
    throw error;
  }
}

function isThere(file: string, cause: unknown): AdvisedError {
  const why = `--cidfile ${file}: the file is there already, and may name another container`;
  return new AdvisedError("already_exists", why, { cause, advice: "remove it, or name another one" });
}
