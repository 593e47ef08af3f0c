import { openKernel } from "../../lib/linux/kernel.ts";
import { isInUserNamespace } from "../../lib/linux/user-namespace.ts";
import { appendToFile, writeStderr, writeStdout } from "../output.ts";
import { execute } from "./execute.ts";

/** Runs tsrun with the arguments and environment of this process. Returns the exit status. */
export async function main(name: string): Promise<number> {
  return await execute(process.argv.slice(2), {
    name,
    cwd: process.cwd(),
    env: process.env,
    pid: process.pid,
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    isInUserNamespace: () => isInUserNamespace(openKernel()),
    now: () => new Date(),
    writeStdout,
    writeStderr,
    appendToFile,
  });
}
