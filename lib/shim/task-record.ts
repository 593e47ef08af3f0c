import { findText, removeFile, replaceFile } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { Process } from "../spec/config.ts";
import type { RootfsMount } from "./rootfs.ts";
import type { StdioPaths } from "./stdio/target.ts";
import type { Exit } from "./task-process.ts";

/** What a shim has to know to go on with a task that another one has made. The rest is in the runtime's record. */
export interface TaskRecord {
  readonly rootfs: readonly RootfsMount[];
  /** Absolute path of what it is to be restored from when it is started; "" for nothing. */
  readonly checkpoint: string;
  readonly ownPidNamespace: boolean;
  readonly init: ProcessRecord;
  readonly execs: readonly ExecRecord[];
}

/** One process. */
export interface ProcessRecord {
  readonly paths: StdioPaths;
  /** 0 before it is made. */
  readonly pid: number;
  /** proc_pid_stat(5), in clock ticks since boot. */
  readonly startTime: number;
  readonly exit?: Exit | undefined;
  /** The pipes between its outputs and its shim, by the names that proc(5) gives them. */
  readonly pipes?: readonly string[] | undefined;
}

export interface ExecRecord extends ProcessRecord {
  readonly id: string;
  /** Of one that was not started. */
  readonly spec?: Process | undefined;
}

/** Its being there says that the task can be taken over; the supervisor looks for it. */
const FILE = "task.json";

/** Writes the record into the bundle; a reader sees the old one or the new one. @throws {SyscallError} */
export function writeTaskRecord(kernel: Kernel, bundle: string, record: TaskRecord): void {
  replaceFile(kernel, `${bundle}/${FILE}`, JSON.stringify(record), 0o600);
}

/** There is no task any more. Idempotent. */
export function removeTaskRecord(kernel: Kernel, bundle: string): void {
  removeFile(kernel, `${bundle}/${FILE}`);
}

/** The record of a bundle's task; undefined for one that was never made. */
export function findTaskRecord(kernel: Kernel, bundle: string): TaskRecord | undefined {
  const text = findText(kernel, `${bundle}/${FILE}`);
  // Written by writeTaskRecord() into a directory that only its owner can write to.
  return text === undefined ? undefined : (JSON.parse(text) as TaskRecord);
}
