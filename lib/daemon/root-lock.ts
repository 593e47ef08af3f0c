import { ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { ContainerError } from "../errors.ts";
import { errnoNumber } from "../linux/constants/errno.ts";
import { LOCK } from "../linux/constants/files.ts";
import { checkResult, OwnedFd } from "../linux/fd.ts";
import type { Kernel } from "../linux/kernel.ts";
import { readStat } from "../linux/procfs.ts";

/**
 * How long the lock of a process that has ended may be kept by what it was about to start: a child has its parent's
 * descriptors until execve(2), and one that is killed between does not take the child along.
 */
const INHERITED_MS = 5_000;
const LOOK_MS = 5;

/**
 * Takes the lock that makes one process the owner of a directory, until it is closed or the process ends. The file says
 * which one has it.
 * @throws {ContainerError} failed_precondition while another has it
 */
export function lockRoot(kernel: Kernel, path: string): OwnedFd {
  using file = new OwnedFd(kernel, openSync(path, "a+", 0o600));
  const deadline = performance.now() + INHERITED_MS;
  for (;;) {
    const result = kernel.call("flock", file.number, LOCK.LOCK_EX + LOCK.LOCK_NB);
    if (result !== -errnoNumber("EAGAIN")) {
      checkResult(result, { doing: `lock ${path}`, path }, "flock");
      break;
    }
    const owner = readFileSync(path, "utf8").trim();
    if (performance.now() >= deadline || !hasEnded(kernel, owner)) throw isLocked(path, owner);
    Bun.sleepSync(LOOK_MS);
  }
  ftruncateSync(file.number);
  writeSync(file.number, `${process.pid}\n`);
  return file.move();
}

/** Whether this is the number of a process that is not there, or that nobody has waited for yet. */
function hasEnded(kernel: Kernel, pid: string): boolean {
  if (!/^\d+$/.test(pid)) return false;
  const state = readStat(kernel, Number(pid))?.state;
  return state === undefined || state === "Z" || state === "X";
}

function isLocked(path: string, owner: string): ContainerError {
  const who = owner === "" ? "another process" : `process ${owner}`;
  return new ContainerError("failed_precondition", `cannot lock ${path}: ${who} has it`);
}
