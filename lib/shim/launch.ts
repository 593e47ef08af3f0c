import { ContainerError } from "../errors.ts";
import { detectCgroups } from "../linux/cgroup/detect.ts";
import { RLIMITS } from "../linux/constants/processes.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { exists, findText, isDirectory, isErrno, replaceFile, writeText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { Bootstrap } from "./bootstrap.ts";
import { readOptions } from "./options.ts";
import { claimSocket, groupOf, type ShimIdentity, socketPath } from "./socket.ts";

/** How a shim is started. */
export interface Launch extends ShimIdentity {
  /** Absolute path. */
  readonly bundle: string;
  readonly debug: boolean;
  readonly bootstrap: Bootstrap;
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
  const { url, path, listener, cgroups } = claimPlace(kernel, launch);
  using _listener = listener;
  if (listener !== undefined) {
    const pid = spawnShim(kernel, launch, path, listener.number);
    joinCgroups(kernel, cgroups, pid);
  }
  writeAddress(kernel, launch.bundle, url);
  return url;
}

/** Where the shim of a container is. */
export interface ShimPlace {
  readonly url: string;
  readonly path: string;
  /** To be served on by a new shim, and the caller's to close; undefined when there is one of the group. */
  readonly listener: OwnedFd | undefined;
  /** Directories of the cgroup the shim is to be in. */
  readonly cgroups: readonly string[];
}

/** Finds the socket of a container's shim, and claims it when nobody listens there. @throws {ContainerError} */
export function claimPlace(kernel: Kernel, launch: ShimIdentity & Pick<Launch, "bundle" | "bootstrap">): ShimPlace {
  const { bundle, namespace, address, bootstrap } = launch;
  const group = groupOf(kernel, bundle, launch.id);
  const path = socketPath({ address, namespace, id: group }, bootstrap.socketDirectory || undefined);
  // Of a task that is taken over, its options say it.
  const shimCgroup = bootstrap.shimCgroup || readOptions(kernel, bundle).shimCgroup;
  const cgroups = shimCgroup === "" ? [] : findCgroups(kernel, shimCgroup);
  return { url: `unix://${path}`, path, listener: claimSocket(kernel, path), cgroups };
}

/** containerd reads it when it comes back after a restart. */
export function writeAddress(kernel: Kernel, bundle: string, url: string): void {
  replaceFile(kernel, `${bundle}/address`, url, 0o600);
}

/** Where a supervisor looks for the address of a bundle's shim: containerd 2 makes the second from the first. */
const ADDRESS_FILES = ["address", "bootstrap.json"];

/** Whether a supervisor that comes back can find the shim of a bundle. */
export function isKnown(kernel: Kernel, bundle: string): boolean {
  return ADDRESS_FILES.some((name) => exists(kernel, `${bundle}/${name}`));
}

/** Moves a shim to the cgroup that was asked for. */
export function joinCgroups(kernel: Kernel, cgroups: readonly string[], pid: number): void {
  for (const directory of cgroups) writeText(kernel, `${directory}/cgroup.procs`, String(pid));
}

function spawnShim(kernel: Kernel, launch: Launch, path: string, listener: number): number {
  const { program, name, namespace, id, address, debug, bundle, environment } = launch;
  const child = Bun.spawn({
    cmd: [
      program,
      "-namespace",
      namespace,
      "-id",
      id,
      "-address",
      address,
      "-socket",
      path,
      ...(debug ? ["-debug"] : []),
    ],
    argv0: name,
    cwd: bundle,
    env: { ...environment, [NOFILE_VARIABLE]: callerNofile(kernel).join(":") },
    stdio: ["ignore", "ignore", "ignore", listener],
    // It leads a session of its own: nothing that ends containerd ends it.
    detached: true,
  });
  child.unref();
  adjustOomScore(kernel, child.pid);
  return child.pid;
}

/** prlimit(2) of the parent, which is containerd. */
export function callerNofile(kernel: Kernel): readonly bigint[] {
  const limits = new BigUint64Array(2);
  kernel.call("prlimit64", kernel.call("getppid"), RLIMITS.RLIMIT_NOFILE, 0, limits);
  return [...limits];
}

/** The directories of a cgroup, in every hierarchy that has it. @throws {ContainerError} not_found */
function findCgroups(kernel: Kernel, path: string): readonly string[] {
  const mounted = detectCgroups(kernel);
  const hierarchies = mounted.mode === "v2" ? [mounted.unified] : mounted.hierarchies;
  const directories = hierarchies
    .map(({ mountPoint }) => `${mountPoint}/${path.replace(/^\/+/, "")}`)
    .filter((directory) => isDirectory(kernel, directory));
  if (directories.length > 0) return directories;
  throw new ContainerError("not_found", `cannot use the ShimCgroup ${path}: it is not there`);
}

const MAX_OOM_SCORE = 1_000;

/** proc_pid_oom_score_adj(5): when memory is short, the shim goes before containerd. */
export function adjustOomScore(kernel: Kernel, pid: number): void {
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
