import { explain } from "../../lib/errors.ts";
import { openKernel } from "../../lib/linux/kernel.ts";
import { pinNewNetworkNamespace } from "../../lib/linux/network-namespace.ts";
import { writeStderr } from "../output.ts";

/** Makes a network namespace that is kept at the path it is given, for tsrund, and ends. Returns the exit status. */
export function main(): Promise<number> {
  return Promise.resolve(pin(process.argv[2] ?? ""));
}

function pin(path: string): number {
  try {
    pinNewNetworkNamespace(openKernel(), path);
    return 0;
  } catch (error) {
    writeStderr(`${explain(error)}\n`);
    return 1;
  }
}
