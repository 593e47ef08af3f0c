import { ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { ContainerError } from "../errors.ts";
import { errnoNumber } from "../linux/constants/errno.ts";
import { LOCK } from "../linux/constants/files.ts";
import { checkResult, OwnedFd } from "../linux/fd.ts";
import type { Kernel } from "../linux/kernel.ts";

/**
 * Takes the lock that makes one process the owner of a directory, until it is closed or the process ends. The file says
 * which one has it.
 * @throws {ContainerError} failed_precondition while another has it
 */
export function lockRoot(kernel: Kernel, path: string): OwnedFd {
  using file = new OwnedFd(kernel, openSync(path, "a+", 0o600));
  const result = kernel.call("flock", file.number, LOCK.LOCK_EX + LOCK.LOCK_NB);
  if (result === -errnoNumber("EAGAIN")) {
    const owner = readFileSync(path, "utf8").trim();
    const who = owner === "" ? "another process" : `process ${owner}`;
    throw new ContainerError("failed_precondition", `cannot lock ${path}: ${who} has it`);
  }
  checkResult(result, { doing: `lock ${path}`, path }, "flock");
  ftruncateSync(file.number);
  writeSync(file.number, `${process.pid}\n`);
  return file.move();
}
