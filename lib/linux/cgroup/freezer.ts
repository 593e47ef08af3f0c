import { ContainerError } from "../../errors.ts";
import { findText, writeText } from "../files.ts";
import type { Kernel } from "../kernel.ts";

/** v1: how often FROZEN is written before the attempt is given up. */
const FREEZE_TRIES = 1000;
/** v1: a process that forks all the time escapes; letting it go for a moment makes the next attempt likelier to win. */
const TRIES_BETWEEN_THAWS = 50;
const THAW_PAUSE_MS = 10;
/** v2: how long processes may take to stand still. */
const FREEZE_TIMEOUT_MS = 10_000;
const FREEZE_POLL_MS = 1;

/**
 * cgroups(7), freezer and cgroup.freeze: stops all processes of a cgroup and returns when they stand still. What cannot
 * be frozen as a whole is thawed again.
 * @throws {ContainerError} deadline_exceeded
 */
export async function freeze(kernel: Kernel, directory: string, mode: "v1" | "v2"): Promise<void> {
  const isDone = mode === "v1" ? await freezeV1(kernel, directory) : await freezeV2(kernel, directory);
  if (isDone) return;
  writeFreezer(kernel, directory, mode, false);
  throw new ContainerError("deadline_exceeded", `unable to freeze ${directory}: its processes did not stop in time`);
}

/** Lets the processes of a cgroup go on; of one that is not frozen it is no fault. */
export function unfreeze(kernel: Kernel, directory: string, mode: "v1" | "v2"): void {
  writeFreezer(kernel, directory, mode, false);
}

/** kernel.org, freezer-subsystem: FREEZING is left only by writing FROZEN again. */
async function freezeV1(kernel: Kernel, directory: string): Promise<boolean> {
  for (let attempt = 1; attempt <= FREEZE_TRIES; attempt++) {
    writeFreezer(kernel, directory, "v1", true);
    if (findText(kernel, `${directory}/freezer.state`)?.startsWith("FROZEN")) return true;
    if (attempt % TRIES_BETWEEN_THAWS !== 0) continue;
    writeFreezer(kernel, directory, "v1", false);
    await pause(THAW_PAUSE_MS);
  }
  return false;
}

async function freezeV2(kernel: Kernel, directory: string): Promise<boolean> {
  const deadline = performance.now() + FREEZE_TIMEOUT_MS;
  writeFreezer(kernel, directory, "v2", true);
  while (!findText(kernel, `${directory}/cgroup.events`)?.includes("frozen 1")) {
    if (performance.now() > deadline) return false;
    await pause(FREEZE_POLL_MS);
  }
  return true;
}

function writeFreezer(kernel: Kernel, directory: string, mode: "v1" | "v2", isFrozen: boolean): void {
  if (mode === "v1") writeText(kernel, `${directory}/freezer.state`, isFrozen ? "FROZEN" : "THAWED");
  else writeText(kernel, `${directory}/cgroup.freeze`, isFrozen ? "1" : "0");
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}
