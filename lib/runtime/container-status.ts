import { isFrozen } from "../linux/cgroup/directory.ts";
import { exists, findLink } from "../linux/files.ts";
import { isRunning } from "../linux/procfs.ts";
import type { State, Status } from "../spec/state.ts";
import { type ContainerRecord, containerDirectory, START_SOCKET } from "./container-store.ts";
import type { RuntimeOptions } from "./options.ts";

/** runtime.md § State: what the record says, and what its process does now. */
export function statusOf(options: RuntimeOptions, record: ContainerRecord): Status {
  const { init, cgroups } = record;
  if (init === undefined) return "creating";
  if (!isRunning(options.kernel, init.pid, init.startTime)) return "stopped";
  if (cgroups.freezer !== undefined && isFrozen(options.kernel, cgroups.freezer, cgroups.mode)) return "paused";
  return isWaiting(options, record.id, init.pid) ? "created" : "running";
}

/** runtime.md § State, as hooks read it. */
export function hookState(record: ContainerRecord, pid: number | undefined, status: Status): State {
  const { ociVersion, id, bundle, annotations } = record;
  return {
    ociVersion,
    id,
    status,
    ...(pid === undefined ? {} : { pid }),
    bundle,
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** The OCI state with what runc adds to it, in runc's order. */
export interface ContainerState extends State {
  readonly rootfs: string;
  readonly created: string;
  /** Name of the user that owns the container's directory. */
  readonly owner: string;
}

/** The state of a container as `state` and `list` give it. */
export function stateOf(options: RuntimeOptions, record: ContainerRecord): ContainerState {
  const status = statusOf(options, record);
  return {
    ociVersion: record.ociVersion,
    id: record.id,
    pid: status === "stopped" ? 0 : (record.init?.pid ?? 0),
    status,
    bundle: record.bundle,
    rootfs: record.rootfs,
    created: record.created,
    ...(record.annotations === undefined ? {} : { annotations: record.annotations }),
    owner: "",
  };
}

/** The name proc_pid_exe(5) gives our executor, which the program replaces. */
const EXECUTOR_LINK = "/memfd:tsrun-init";

/** `start` removes the socket; when it was killed before it could, init has become the program all the same. */
function isWaiting(options: RuntimeOptions, id: string, pid: number): boolean {
  if (!exists(options.kernel, `${containerDirectory(options, id)}/${START_SOCKET}`)) return false;
  // A process that is not ours to look at has no link: then the socket alone has to tell.
  return findLink(options.kernel, `/proc/${pid}/exe`)?.startsWith(EXECUTOR_LINK) ?? true;
}
