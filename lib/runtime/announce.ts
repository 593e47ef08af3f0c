import type { StringMap } from "../spec/config.ts";
import type { RuntimeOptions } from "./options.ts";
import { writePidFile } from "./pid-file.ts";

/** Where the caller of a command wants to find the process that it has made. */
export interface Announcement {
  readonly pidFile?: string | undefined;
  readonly pidfdSocket?: string | undefined;
}

/** crun's way to ask for the pidfd. */
const PIDFD_ANNOTATION = "run.oci.pidfd_receiver";

/** What a request, or an annotation of the container, asks for. */
export function announcementOf(
  { pidFile, pidfdSocket }: Announcement,
  annotations: StringMap | undefined,
): Announcement {
  return { pidFile, pidfdSocket: pidfdSocket ?? annotations?.[PIDFD_ANNOTATION] };
}

/** Writes the pid file, and sends the pidfd. @throws {ContainerError} */
export async function announce(
  { kernel }: RuntimeOptions,
  { pidFile, pidfdSocket }: Announcement,
  pid: number,
): Promise<void> {
  if (pidFile !== undefined) writePidFile(kernel, pidFile, pid);
  if (pidfdSocket !== undefined) (await import("./pidfd-socket.ts")).sendPidfd(kernel, pidfdSocket, pid);
}
