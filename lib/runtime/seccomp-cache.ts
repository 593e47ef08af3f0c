import { explain } from "../errors.ts";
import { findBytes, makeDirectories, replaceFile } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { LoadableFilter } from "../plan/seccomp/compile.ts";
import { compileFilter, filterCacheKey, filterFlags, hasListener } from "../plan/seccomp/filter.ts";
import type { Seccomp } from "../spec/seccomp.ts";
import type { RuntimeOptions } from "./options.ts";
import type { SeccompListener } from "./seccomp-listener.ts";

/** No container can have this name: `@` is not allowed in ids. */
const DIRECTORY = "@seccomp";
const DIGEST_BYTES = 32;

/**
 * The filter of a profile: from the cache below the state root where its content is known, else compiled, and put
 * there. A file that is not what was written is compiled anew; that none can be written is no fault.
 */
export function loadFilter(
  options: RuntimeOptions,
  seccomp: Seccomp,
  exact: ReadonlyMap<string, bigint>,
): LoadableFilter {
  const { kernel, root } = options;
  const key = filterCacheKey(seccomp, kernel.architecture, exact);
  const path = `${root}/${DIRECTORY}/${Buffer.from(digest(key)).toString("hex")}`;
  const program = verified(findBytes(kernel, path));
  if (program !== undefined) return { program, flags: filterFlags(seccomp) };
  const filter = compileFilter(seccomp, kernel.architecture, exact);
  try {
    makeDirectories(kernel, `${root}/${DIRECTORY}`, 0o700);
    replaceFile(kernel, path, Buffer.concat([digest(filter.program), filter.program]), 0o600);
  } catch (error) {
    options.debug(`cannot cache the seccomp filter: ${explain(error)}`);
  }
  return filter;
}

/** What takes the descriptor of a profile that notifies; for any other there is none, and nothing to load. */
export async function openListener(kernel: Kernel, seccomp: Seccomp | undefined): Promise<SeccompListener | undefined> {
  if (seccomp === undefined || !hasListener(seccomp)) return undefined;
  const module = await import("./seccomp-listener.ts");
  return new module.SeccompListener(kernel, seccomp);
}

function verified(file: Uint8Array | undefined): Uint8Array | undefined {
  if (file === undefined) return undefined;
  const program = file.subarray(DIGEST_BYTES);
  return Buffer.compare(digest(program), file.subarray(0, DIGEST_BYTES)) === 0 ? program : undefined;
}

function digest(content: string | Uint8Array): Uint8Array {
  return new Bun.CryptoHasher("sha256").update(content).digest();
}
