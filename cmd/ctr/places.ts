import type { CtrContext } from "./context.ts";

const RUN = "/run/tsctr";

/** Where the FIFOs of processes are made that somebody stays with. */
export function fifoRoot({ env }: Pick<CtrContext, "env">): string {
  const own = env["XDG_RUNTIME_DIR"];
  const isRoot = process.geteuid?.() === 0;
  return !isRoot && own?.startsWith("/") === true ? `${own}/tsctr/fifo` : `${RUN}/fifo`;
}
