import { cpus, release, totalmem } from "node:os";

const GIB = 2 ** 30;

/** The machine on which figures were measured. */
export function describeMachine(): string {
  const model = cpus()[0]?.model ?? "unknown";
  return `${cpus().length} CPUs (${model}), ${Math.round(totalmem() / GIB)} GiB, Linux ${release()}`;
}
