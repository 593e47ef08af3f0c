import type { OwnedFd } from "../../linux/fd.ts";
import { bytesWaiting } from "../../linux/fifo.ts";
import type { Kernel } from "../../linux/kernel.ts";

/** Nobody reads perhaps: of a task in the background the client has long gone. */
const UNREAD_MS = 100;
const LOOK_MS = 2;

/**
 * Waits until everything in some FIFOs is read, or for a while. What nobody has open for reading is lost with the last end of
 * it, and clients of containerd are told of the end of a process by other ways than by its outputs: on a busy machine `ctr`
 * has one short exec in fifty deleted before it has come to open them.
 */
export async function untilRead(
  kernel: Kernel,
  readers: readonly (OwnedFd | undefined)[],
  limitMs: number = UNREAD_MS,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  const isUnread = (reader: OwnedFd | undefined) => reader !== undefined && bytesWaiting(kernel, reader.number) > 0;
  while (readers.some(isUnread) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
