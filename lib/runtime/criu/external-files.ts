import { FILE_TYPE } from "../../linux/constants/files.ts";
import { findLink, findStatus, findText } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";

const STANDARD_STREAMS = [0, 1, 2];
/** Files that criu finds by a path. */
const NAMED: readonly number[] = [FILE_TYPE.S_IFIFO, FILE_TYPE.S_IFREG];

/**
 * What a checkpoint knows the standard streams by, in their order: a FIFO or a file that lies on none of the container's
 * mounts, such as a client's, by criu's key for it, and others by what the record says.
 */
export function streamsToDump(kernel: Kernel, initPid: number, recorded: readonly string[]): readonly string[] {
  const mounts = mountIds(kernel, initPid);
  return STANDARD_STREAMS.slice(0, recorded.length).map(
    (fd) => externalFile(kernel, { initPid, fd, mounts }) ?? recorded[fd] ?? "",
  );
}

/** Whether a stream is to be replaced at restore, as criu knows no way to it. */
export function isExternalStream(key: string): boolean {
  return key.includes("pipe:") || isExternalFile(key);
}

/** criu(8), `--external file[MOUNT:INODE]`, both hexadecimal. */
export function isExternalFile(key: string): boolean {
  return key.startsWith("file[");
}

interface Stream {
  readonly initPid: number;
  readonly fd: number;
  /** Of the container. */
  readonly mounts: ReadonlySet<string>;
}

function externalFile(kernel: Kernel, { initPid, fd, mounts }: Stream): string | undefined {
  const path = `/proc/${initPid}/fd/${fd}`;
  // `pipe:[7]` and its like have no path.
  if (findLink(kernel, path)?.startsWith("/") !== true) return undefined;
  const status = findStatus(kernel, path);
  const mount = /^mnt_id:\s*(\d+)$/m.exec(findText(kernel, `/proc/${initPid}/fdinfo/${fd}`) ?? "")?.[1];
  if (status === undefined || mount === undefined || mounts.has(mount) || !NAMED.includes(status.type))
    return undefined;
  return `file[${Number(mount).toString(16)}:${status.inode.toString(16)}]`;
}

function mountIds(kernel: Kernel, pid: number): ReadonlySet<string> {
  const lines = (findText(kernel, `/proc/${pid}/mountinfo`) ?? "").split("\n");
  return new Set(lines.map((line) => line.slice(0, line.indexOf(" "))));
}
