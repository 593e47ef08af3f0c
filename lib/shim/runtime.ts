import { ContainerError } from "../errors.ts";
import type { OwnedFd } from "../linux/fd.ts";
import type { Stdio } from "../runtime/options.ts";
import type { Process } from "../spec/config.ts";
import type { LinuxResources } from "../spec/resources.ts";
import type { Status } from "../spec/state.ts";

/** The standard streams of a process that is about to be made. */
export interface GivenStdio {
  readonly fds: Stdio;
  /** A process with a terminal sends it here. */
  readonly console?: OwnedFd | undefined;
}

/** A container's first process: made and waiting, or restored. */
export interface CreatedInit {
  /** A child of this process. */
  readonly pid: number;
  /** The others of the container end with it. */
  readonly ownPidNamespace: boolean;
}

/** What a task needs of an OCI runtime for one container: that in this process, or another one's executable. */
export interface TaskRuntime {
  /** @throws {ContainerError}; then nothing is left of it */
  create(stdio: GivenStdio): Promise<CreatedInit>;
  start(): Promise<void>;
  /** Makes a container whose processes come from image files, and run at once. @throws as create() does */
  restore(request: RestoreRequest, stdio: GivenStdio): Promise<CreatedInit>;
  /** Takes a container over that another process has made, whose init has this pid. Gives what has become of it. */
  adopt(pid: number): Promise<Status>;
  /** Adds a process, which is a child of this one; gives its pid. */
  exec(process: Process, stdio: GivenStdio): Promise<number>;
  /** To init, or to every process. @throws {ContainerError} not_found when there is nobody left */
  kill(signal: number, all: boolean): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  update(resources: LinuxResources): Promise<void>;
  /** Writes the processes to image files. @throws {ContainerError}; then they go on as they were */
  checkpoint(request: CheckpointRequest): Promise<void>;
  /** The pids, on this host, of all processes. */
  pids(): Promise<readonly number[]>;
  /** Removes the container, whatever is left of it. Idempotent. */
  delete(): Promise<void>;
  /** Where the container's counters are read; undefined when it has none. */
  cgroups(): CgroupPlaces | undefined;
}

/** What a container is restored from. */
export interface RestoreRequest {
  /** Absolute path of the directory with the images. */
  readonly imagePath: string;
  /** Absolute path of the directory for criu's log. */
  readonly workPath: string;
}

/** What a client is told of a runtime that failed: they show what comes after these words. */
export function runtimeFailed(doing: "create" | "exec" | "restore", cause: unknown): ContainerError {
  const code = cause instanceof ContainerError ? cause.code : "internal";
  return new ContainerError(code, `OCI runtime ${doing} failed`, { cause });
}

/** Where criu's log goes when nobody says. */
export function criuWorkPath(bundle: string): string {
  return `${bundle}/criu-work`;
}

/** containerd.runc.v1.CheckpointOptions */
export interface CheckpointRequest {
  /** Absolute path of the directory for the images. */
  readonly imagePath: string;
  /** Absolute path of the directory for criu's log. */
  readonly workPath: string;
  /** The container ends with it. */
  readonly exit: boolean;
  readonly openTcp: boolean;
  readonly externalUnixSockets: boolean;
  readonly terminal: boolean;
  readonly fileLocks: boolean;
  readonly emptyNamespaces: readonly string[];
}

/** The cgroups of a container. */
export interface CgroupPlaces {
  readonly mode: "v1" | "v2";
  /** Its directory by controller; on v2 the same for all. */
  readonly directories: ReadonlyMap<string, string>;
}
