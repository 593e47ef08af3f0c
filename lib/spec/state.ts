import type { StringMap } from "./config.ts";

/** runtime.md § State: the object that `state` prints and hooks read on stdin. */
export interface State {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: Status;
  /** As the runtime sees it; absent or 0 when no process is left. */
  readonly pid?: number;
  /** Absolute path. */
  readonly bundle: string;
  readonly annotations?: StringMap;
}

/** runtime.md § State; `paused` is the value the runtimes in use add to those of the spec. */
export type Status = "creating" | "created" | "running" | "paused" | "stopped";

/** config-linux.md § The Container Process State: what is sent to a seccomp listener, with the descriptors by SCM_RIGHTS. */
export interface ContainerProcessState {
  readonly ociVersion: string;
  /** Names of the descriptors that are sent, in their order. */
  readonly fds: readonly string[];
  /** Of the process the filter is for, as the runtime sees it. */
  readonly pid: number;
  /** `linux.seccomp.listenerMetadata`. */
  readonly metadata?: string;
  readonly state: State;
}

/** The name of the seccomp user notification descriptor in `ContainerProcessState.fds`. */
export const SECCOMP_FD_NAME = "seccompFd";
