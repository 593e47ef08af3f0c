import type { OwnedFd } from "../../linux/fd.ts";
import type { Stdio } from "../../runtime/options.ts";
import type { LoggedProcess } from "./logger.ts";

/** Whose streams they are, and who is told what becomes of them. */
export interface StdioOwner extends LoggedProcess {
  readonly isInit: boolean;
  warn(message: string): void;
}

/** The standard streams of one process, from before it is made until it is deleted. */
export interface ProcessStdio {
  /** What the program is given as 0, 1 and 2. */
  readonly fds: Stdio;
  /** The pipes between its outputs and this process, in their order, by the names that proc(5) gives them. */
  readonly pipes?: readonly string[] | undefined;
  /** What takes the terminal of a process that has one. */
  readonly console?: OwnedFd | undefined;
  /** The process is about to be made: opens what was not before. @throws {ContainerError} for what cannot be opened */
  open?(): Promise<void>;
  /** The process is about to read. */
  prepare(): void;
  /** The process has its own copies, and its terminal was sent. @throws {ContainerError} when it was not */
  attach(): void;
  /** tasks.proto, CloseIO */
  closeInput(): void;
  /** tasks.proto, ResizePty; without a terminal nothing. */
  resize(width: number, height: number): void;
  /** The process has ended: what it has written is where it was to go when its end is told. Where that takes no waiting. */
  settle?(): void;
  /** Passes on what the process has written until now, as long as somebody reads it; then closes everything. */
  close(): Promise<void>;
}

/** How long output is waited for after the end of a process when nobody reads it. */
const DRAIN_MS = 2_000;
/** And when somebody does: what an exec has left behind may write for ever. */
const MAX_DRAIN_MS = 10_000;
const DRAIN_POLL_MS = 2;

/** What copies, and tells how far it has come. */
interface Copying {
  readonly isIdle: boolean;
  /** Bytes that somebody has taken until now. */
  readonly copiedBytes: number;
}

/** Waits until nothing is on its way any more, or nobody takes anything for some time. */
export async function drain(copiers: readonly Copying[]): Promise<void> {
  const copied = () => copiers.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0);
  const end = performance.now() + MAX_DRAIN_MS;
  let [before, deadline] = [copied(), performance.now() + DRAIN_MS];
  while (copiers.some(({ isIdle }) => !isIdle) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    const now = copied();
    // A reader that is slow is one all the same.
    if (now > before) deadline = Math.min(end, performance.now() + DRAIN_MS);
    before = now;
  }
}
