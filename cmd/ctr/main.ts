import { writeStderr, writeStdout } from "../output.ts";
import { execute } from "./execute.ts";

/** Runs tsctr with the arguments and environment of this process. Returns the exit status. */
export async function main(name: string): Promise<number> {
  return await execute(process.argv.slice(2), {
    name,
    cwd: process.cwd(),
    pid: process.pid,
    env: process.env,
    now: Date.now,
    writeStdout,
    writeStderr,
  });
}
