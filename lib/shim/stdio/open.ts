import type { Machine } from "../machine.ts";
import { openDirect } from "./direct.ts";
import type { ProcessStdio, StdioOwner } from "./process-stdio.ts";
import { canRelay, openRelayed } from "./relayed.ts";
import { isLog, type StdioPaths } from "./target.ts";
import { openTerminal } from "./terminal.ts";

/** Opens the standard streams of a process. @throws {ContainerError} for what cannot be opened */
export async function openStdio(machine: Machine, paths: StdioPaths, owner: StdioOwner): Promise<ProcessStdio> {
  if (paths.terminal) return await openTerminal(machine, paths, owner);
  if (isLog(paths)) {
    const { openLogged } = await import("./logged.ts");
    return openLogged(machine, paths, owner);
  }
  // When init has ended, nobody of the container is left to hold its outputs open.
  if (!owner.isInit && canRelay(paths)) return openRelayed(machine, paths);
  return await openDirect(machine, paths, owner);
}
