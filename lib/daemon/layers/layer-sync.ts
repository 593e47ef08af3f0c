import { ContainerError } from "../../errors.ts";

/** The name by which this executable brings a filesystem to the disk and ends. */
export const SYNC_NAME = "tsrund-sync";

/** How layers get to the disk, when somebody wants them there. */
export interface LayerSync {
  /** Every layer, whether its client asks for it or not. */
  readonly always: boolean;
  /** Returns when what was written below a directory is on the disk. @throws {ContainerError} */
  run(directory: string): Promise<void>;
}

/** syncfs(2) by another process: the call lasts as long as the disk takes, and would keep all clients waiting. */
export function layerSync(program: string, always: boolean): LayerSync {
  return { always, run: (directory) => syncElsewhere(program, directory) };
}

async function syncElsewhere(program: string, directory: string): Promise<void> {
  const child = Bun.spawn({
    ...{ cmd: [program, directory], argv0: SYNC_NAME, env: {}, cwd: "/", detached: true },
    ...{ stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  });
  const [why, status] = await Promise.all([child.stderr.text(), child.exited]);
  if (status === 0) return;
  throw new ContainerError("internal", `cannot bring a layer to the disk: ${why.trim() || `status ${status}`}`);
}
