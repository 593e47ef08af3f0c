import { basename, dirname, join } from "node:path";
import { ContainerError } from "../../errors.ts";
import { isExecutable } from "../files.ts";
import type { ShimCommand } from "./bundle.ts";

/** Which executable serves which runtime. */
export interface RuntimeSettings {
  /** This executable, and the name by which it is a shim. */
  readonly own: ShimCommand;
  /** Names of runtimes that stand for others: a name, or the absolute path of a shim. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Directories in which shims are looked for. */
  readonly path: readonly string[];
}

const OWN_RUNTIME = "io.containerd.tsrun.v2";
const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)+$/i;

/**
 * runtime/v2: the shim of `a.b.NAME.VERSION` is `containerd-shim-NAME-VERSION`; an absolute path is the shim itself.
 * @throws {ContainerError} not_found, invalid_argument
 */
export function findShim({ own, aliases, path }: RuntimeSettings, runtime: string): ShimCommand {
  const wanted = aliases.get(runtime) ?? runtime;
  if (wanted === OWN_RUNTIME) return own;
  if (wanted.startsWith("/")) {
    if (isExecutable(wanted)) return { program: wanted, name: basename(wanted) };
    throw new ContainerError("not_found", `cannot use runtime ${runtime}: ${wanted} is no executable`);
  }
  const [version, kind] = wanted.split(".").reverse();
  if (!NAME.test(wanted) || version === undefined || kind === undefined) {
    throw new ContainerError(
      "invalid_argument",
      `invalid runtime name ${runtime}: must be like ${OWN_RUNTIME}, or a path`,
    );
  }
  const name = `containerd-shim-${kind}-${version}`;
  const found = [...path, dirname(own.program)].map((directory) => join(directory, name)).find(isExecutable);
  if (found !== undefined) return { program: found, name };
  throw new ContainerError("not_found", `cannot use runtime ${runtime}: ${name} is not installed`);
}
