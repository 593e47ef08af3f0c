import { ContainerError, explain } from "../../errors.ts";
import { POLL } from "../../linux/constants/sockets.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import { makePipe } from "../../linux/fifo.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { pollNow } from "../../linux/readiness.ts";
import { spawned } from "../../linux/spawned.ts";
import type { Machine } from "../machine.ts";
import type { OutputTarget } from "./target.ts";

/** How long a logger may take to say that it is ready. */
const READY_TIMEOUT_MS = 10_000;
/** How long it may take to end when its inputs have ended, and after SIGTERM. */
const EOF_GRACE_MS = 1_000;
const TERM_GRACE_MS = 12_000;

/** A program that takes the outputs of one process. */
export interface Logger {
  /** Blocking, for the program to write to. The caller closes them. */
  readonly stdout: OwnedFd;
  readonly stderr: OwnedFd;
  /** Waits for it to end, now that nobody writes to it any more; at last ends it. Idempotent. */
  stop(): Promise<void>;
}

/** The process whose outputs they are. */
export interface LoggedProcess {
  readonly containerId: string;
  readonly namespace: string;
}

/**
 * Starts `binary://`: descriptors 3 and 4 are the outputs, 5 is closed or written to when the logger is ready; its
 * environment is what containerd promises, and nothing else. @throws {ContainerError}
 */
export async function startLogger(
  { kernel, readiness }: Machine,
  target: Extract<OutputTarget, { kind: "binary" }>,
  { containerId, namespace }: LoggedProcess,
): Promise<Logger> {
  using open = new DisposableStack();
  const [stdout, stderr, ready] = [makePipe(kernel), makePipe(kernel), makePipe(kernel)];
  for (const { reader, writer } of [stdout, stderr, ready]) {
    open.use(reader);
    open.use(writer);
  }
  const child = spawn(target, { CONTAINER_ID: containerId, CONTAINER_NAMESPACE: namespace }, [
    stdout.reader.number,
    stderr.reader.number,
    ready.writer.number,
  ]);
  ready.writer.close();
  const timer = setTimeout(() => readiness.forget(ready.reader), READY_TIMEOUT_MS);
  await readiness.readable(ready.reader);
  clearTimeout(timer);
  if (!isReady(kernel, ready.reader, target.needsByte)) {
    child.kill("SIGKILL");
    throw new ContainerError("internal", `cannot use the logger ${target.path}: it did not say that it is ready`);
  }
  const writers = { stdout: stdout.writer.move(), stderr: stderr.writer.move() };
  let stopped: Promise<void> | undefined;
  return {
    ...writers,
    stop: () => {
      stopped ??= stop(child);
      return stopped;
    },
  };
}

/** The pipe has ended, or has the byte. */
function isReady(kernel: Kernel, reader: OwnedFd, needsByte: boolean): boolean {
  if (pollNow(kernel, reader, POLL.POLLIN) === 0) return false;
  const bytes = kernel.call("read", reader.number, new Uint8Array(1), 1);
  return needsByte ? bytes === 1 : bytes >= 0;
}

function spawn(
  { path, args }: Extract<OutputTarget, { kind: "binary" }>,
  env: Record<string, string>,
  fds: readonly number[],
): Bun.Subprocess {
  try {
    return spawned(Bun.spawn({ cmd: [path, ...args], env, stdio: ["ignore", "ignore", "ignore", ...fds] }));
  } catch (error) {
    throw cannotStart(path, error);
  }
}

function cannotStart(path: string, cause: unknown): ContainerError {
  return new ContainerError("internal", `cannot start the logger ${path}: ${explain(cause)}`);
}

async function stop(child: Bun.Subprocess): Promise<void> {
  if (await endsWithin(child, EOF_GRACE_MS)) return;
  child.kill("SIGTERM");
  if (await endsWithin(child, TERM_GRACE_MS)) return;
  child.kill("SIGKILL");
  await child.exited;
}

async function endsWithin(child: Bun.Subprocess, limitMs: number): Promise<boolean> {
  let timer: Timer | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, limitMs, false);
  });
  const isOver = await Promise.race([child.exited.then(() => true), late]);
  clearTimeout(timer);
  return isOver;
}
