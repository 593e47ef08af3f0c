import type { CreateRequest } from "../../lib/runtime/options.ts";
import { boolean, count, path, type Values } from "../flags.ts";
import { absolutePath } from "../path.ts";
import type { RuntimeContext } from "./context.ts";

/** The options that `create` and `run` share. */
export const createFlags = {
  bundle: path("directory that holds config.json and usually the root filesystem (default: the current directory)", {
    short: "b",
    label: "DIR",
  }),
  consoleSocket: path("unix socket that is sent the master end of the container's terminal"),
  pidfdSocket: path("unix socket that is sent a pidfd of the container's first process"),
  pidFile: path("file that is written the pid of the container's first process"),
  noPivot: boolean("change the root by chroot(2), not pivot_root(2); only for a root filesystem on a ramdisk"),
  noNewKeyring: boolean("keep the caller's session keyring in the container"),
  preserveFds: count("pass on N more file descriptors, after those of standard I/O and of LISTEN_FDS"),
};

/** What the shared options, and the variables of systemd, ask for; the paths as runc reads them. */
export function toCreateRequest(
  { cwd, env, pid }: Pick<RuntimeContext, "cwd" | "env" | "pid">,
  id: string,
  flags: Values<typeof createFlags>,
): CreateRequest {
  const bundle = absolutePath(cwd, flags.bundle ?? ".");
  const listen = listenFds(env, pid);
  const notifySocket = env["NOTIFY_SOCKET"] ?? "";
  return {
    id,
    bundle,
    // runc goes into the bundle before it opens the sockets, but writes the pid file beside its caller.
    ...(flags.consoleSocket !== undefined && { consoleSocket: absolutePath(bundle, flags.consoleSocket) }),
    ...(flags.pidfdSocket !== undefined && { pidfdSocket: absolutePath(bundle, flags.pidfdSocket) }),
    ...(flags.pidFile !== undefined && { pidFile: absolutePath(cwd, flags.pidFile) }),
    ...(notifySocket === "" ? {} : { notifySocket }),
    ...(listen.count === 0 ? {} : { environment: listen.environment }),
    noPivot: flags.noPivot,
    noNewKeyring: flags.noNewKeyring,
    preserveFds: listen.count + flags.preserveFds,
  };
}

/** No process has more descriptors than this. */
const MAX_FDS = 1_048_576;

/** sd_listen_fds(3): descriptors from 3 on that are meant for the process with that pid; in the container that is 1. */
function listenFds(
  env: RuntimeContext["env"],
  pid: number,
): { readonly count: number; readonly environment: readonly string[] } {
  const { LISTEN_FDS: given = "", LISTEN_PID: forPid, LISTEN_FDNAMES: names } = env;
  const fds = /^[0-9]{1,7}$/.test(given) ? Number(given) : 0;
  if (forPid !== String(pid) || fds > MAX_FDS) return { count: 0, environment: [] };
  const environment = [`LISTEN_FDS=${fds}`, "LISTEN_PID=1"];
  return { count: fds, environment: names === undefined ? environment : [...environment, `LISTEN_FDNAMES=${names}`] };
}
