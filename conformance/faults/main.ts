/**
 * Faults: what happens when the machine does not do what it is asked for. No operation hangs or dies without a word, nothing
 * it makes is left behind, and `delete --force` clears up after whatever was killed.
 *
 *   bun conformance/faults/main.ts [--runtime PATH] [--most N] [--only TEXT]
 *
 * Needs root, busybox and strace. With `--most` so many of the system calls of an operation are hit by each fault, else every one.
 */
import { join } from "node:path";
import { readOptions } from "../harness/options.ts";
import { makeRootfs } from "../harness/rootfs.ts";
import { findProgram, findRuntime, versionOf } from "../harness/runtime.ts";
import { say, Tally } from "../harness/tally.ts";
import { withWorkspace } from "../harness/workspace.ts";
import { judgeInjected } from "./cases/injected.ts";
import { judgeSurroundings } from "./cases/surroundings.ts";

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    runtime: { type: "string", default: join(import.meta.dir, "../../dist/tsrun") },
    most: { type: "string", default: String(Number.MAX_SAFE_INTEGER) },
    only: { type: "string", multiple: true },
  });
  const tally = new Tally();
  const runtime = findRuntime(values.runtime);
  if (runtime === undefined) {
    tally.fail(`${values.runtime} is not there`);
    return tally.finish();
  }
  say(versionOf(runtime));
  const only = (name: string) => values.only?.some((part) => name.includes(part)) ?? true;
  const most = Number(values.most);
  await withWorkspace("faults", async (workspace) => {
    const rootfs = join(workspace.folder, "rootfs");
    makeRootfs(rootfs);
    const parts = { runtime: runtime.path, workspace, rootfs };
    await judgeSurroundings(parts, tally, only);
    if (findProgram("strace") === undefined) tally.skip("injected faults", "strace is not installed");
    else await judgeInjected(parts, tally, { most, only });
  });
  return tally.finish();
}

process.exitCode = await main();
