import type { CreateRequest } from "../../lib/runtime/options.ts";
import { boolean, count, path, type Values } from "../flags.ts";
import { absolutePath } from "../path.ts";

/** The options that `create` and `run` share. */
export const createFlags = {
  bundle: path("directory that holds config.json and usually the root filesystem (default: the current directory)", {
    short: "b",
    label: "DIR",
  }),
  consoleSocket: path("unix socket that is sent the master end of the container's terminal"),
  pidFile: path("file that is written the pid of the container's first process"),
  noPivot: boolean("change the root by chroot(2), not pivot_root(2); only for a root filesystem on a ramdisk"),
  noNewKeyring: boolean("keep the caller's session keyring in the container"),
  preserveFds: count("pass on N more file descriptors, after those of standard I/O"),
};

/** What the shared options ask for, with the paths as runc reads them. */
export function toCreateRequest(cwd: string, id: string, flags: Values<typeof createFlags>): CreateRequest {
  const bundle = absolutePath(cwd, flags.bundle ?? ".");
  return {
    id,
    bundle,
    // runc goes into the bundle before it opens the socket, but writes the pid file beside its caller.
    ...(flags.consoleSocket !== undefined && { consoleSocket: absolutePath(bundle, flags.consoleSocket) }),
    ...(flags.pidFile !== undefined && { pidFile: absolutePath(cwd, flags.pidFile) }),
    noPivot: flags.noPivot,
    noNewKeyring: flags.noNewKeyring,
    preserveFds: flags.preserveFds,
  };
}
