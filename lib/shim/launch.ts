import { ContainerError } from "../errors.ts";
import { RLIMITS } from "../linux/constants/processes.ts";
import { findText, isErrno, replaceFile, writeText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { claimSocket, groupOf, type ShimIdentity, socketPath } from "./socket.ts";

/** How a shim is started. */
export interface Launch extends ShimIdentity {
  /** Absolute path. */
  readonly bundle: string;
  readonly debug: boolean;
  /** The program and the name to call it by. */
  readonly program: string;
  readonly name: string;
  /** What of this process's environment the shim gets. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Where a shim finds its listening socket. */
export const LISTENER_FD = 3;
/** The environment variable with containerd's limit on descriptors, soft and hard, which Bun has changed by then. */
export const NOFILE_VARIABLE = "TSRUN_NOFILE";

/**
 * Starts the shim of a container, or finds that of its group, and gives its address. A client can connect at once: the
 * socket is there before the shim is. @throws {ContainerError}
 */
export function launchShim(kernel: Kernel, launch: Launch): string {
  const { bundle, namespace, address } = launch;
  const group = groupOf(kernel, bundle, launch.id);
  const path = socketPath({ address, namespace, id: group });
  using listener = claimSocket(kernel, path);
  if (listener !== undefined) spawnShim(kernel, launch, listener.number);
  const url = `unix://${path}`;
  // containerd reads it when it comes back after a restart.
  replaceFile(kernel, `${bundle}/address`, url, 0o600);
  return url;
}

function spawnShim(kernel: Kernel, launch: Launch, listener: number): void {
  const { program, name, namespace, id, address, debug, bundle, environment } = launch;
  const child = Bun.spawn({
    cmd: [program, "-namespace", namespace, "-id", id, "-address", address, ...(debug ? ["-debug"] : [])],
    argv0: name,
    cwd: bundle,
    env: { ...environment, [NOFILE_VARIABLE]: callerNofile(kernel).join(":") },
    stdio: ["ignore", "ignore", "ignore", listener],
    // It leads a session of its own: nothing that ends containerd ends it.
    detached: true,
  });
  child.unref();
  adjustOomScore(kernel, child.pid);
}

/** prlimit(2) of the parent, which is containerd. */
function callerNofile(kernel: Kernel): readonly bigint[] {
  const limits = new BigUint64Array(2);
  kernel.call("prlimit64", kernel.call("getppid"), RLIMITS.RLIMIT_NOFILE, 0, limits);
  return [...limits];
}

const MAX_OOM_SCORE = 1_000;

/** proc_pid_oom_score_adj(5): when memory is short, the shim goes before containerd. */
function adjustOomScore(kernel: Kernel, pid: number): void {
  const own = Number(findText(kernel, `/proc/${kernel.call("getppid")}/oom_score_adj`) ?? 0);
  try {
    writeText(kernel, `/proc/${pid}/oom_score_adj`, String(Math.min(own + 1, MAX_OOM_SCORE)));
  } catch (error) {
    // A user without privileges may not; and it is no reason to have no container.
    if (!isErrno(error, "EACCES", "EPERM", "ENOENT")) throw error;
  }
}

/** Takes the text of NOFILE_VARIABLE apart. @throws {ContainerError} */
export function parseNofile(text: string | undefined): { readonly soft: bigint; readonly hard: bigint } | undefined {
  if (text === undefined || text === "") return undefined;
  const [soft, hard] = text.split(":").map((part) => (/^\d+$/.test(part) ? BigInt(part) : undefined));
  if (soft !== undefined && hard !== undefined) return { soft, hard };
  throw new ContainerError("invalid_argument", `cannot use ${NOFILE_VARIABLE}=${text}: must be SOFT:HARD`);
}
