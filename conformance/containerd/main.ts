/**
 * containerd: Debian's containerd, with everything of its own in a folder of its own, makes containers through this
 * project's shim, and the same ones through its own shim and runc.
 *
 *   bun conformance/containerd/main.ts [--only TEXT] [--shim PATH] [--no-peer] [--soak N]
 *
 * Needs root, containerd with ctr and runc, busybox (static), script and tar. Shims put their sockets into
 * /run/containerd/s, whatever containerd is told; what this suite has left there is a failure.
 *
 * With --soak no check runs but one: N tasks in a row beside a group's shim that stays, 2000 for a release, and then a
 * census of what is left of them.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readOptions } from "../harness/options.ts";
import { runSuite } from "../harness/suite.ts";
import type { Tally } from "../harness/tally.ts";
import type { Workspace } from "../harness/workspace.ts";
import { eventChecks } from "./checks/events.ts";
import { execChecks } from "./checks/execs.ts";
import { faultChecks } from "./checks/faults.ts";
import { runChecks } from "./checks/run.ts";
import { soakCheck } from "./checks/soak.ts";
import { stdioChecks } from "./checks/stdio.ts";
import { taskChecks } from "./checks/tasks.ts";
import { Daemon } from "./daemon.ts";
import { EventLog } from "./event-log.ts";
import { makeImage } from "./image.ts";
import { expectNothingLeft } from "./leftovers.ts";
import { type Check, Site } from "./site.ts";

const OWN = "io.containerd.tsrun.v2";
const PEER = "io.containerd.runc.v2";
const CHECKS: readonly Check[] = [
  ...runChecks,
  ...stdioChecks,
  ...taskChecks,
  ...execChecks,
  ...eventChecks,
  ...faultChecks,
];
const NEEDED = ["containerd", "ctr", "containerd-shim-runc-v2", "runc", "busybox", "script", "tar"];

interface Bench {
  readonly daemon: Daemon;
  readonly workspace: Workspace;
  readonly tally: Tally;
}

async function judge({ daemon, workspace, tally }: Bench, check: Check, runtime: string, index: number): Promise<void> {
  const tag = `${workspace.tag}-${runtime === OWN ? "t" : "r"}${index}`;
  const folder = join(workspace.folder, tag);
  mkdirSync(folder);
  const events = await EventLog.open(daemon);
  const site = new Site({ daemon, runtime, events, folder, tag });
  const name = `${runtime === OWN ? "tsrun" : "runc "}  ${check.name}`;
  const begin = performance.now();
  try {
    await check.run(site);
    await site.clear();
    if (runtime === OWN) await expectNothingLeft(daemon, tag);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    tally.pass(`${name} (${seconds} s)`);
  } catch (error) {
    await site.clear();
    tally.fail(name, String(error instanceof Error ? error.stack : error).split("\n"));
  } finally {
    await events.close();
  }
}

function chosen(only: string | undefined): readonly (Check | undefined)[] {
  return CHECKS.map((check) => (only === undefined || check.name.includes(only) ? check : undefined));
}

/** Runs checks, which are named by their places in the list. */
async function judgeAll(
  bench: Bench,
  checks: readonly (Check | undefined)[],
  runtimes: readonly string[],
): Promise<void> {
  const { daemon, workspace } = bench;
  const folder = join(workspace.folder, "image");
  mkdirSync(folder);
  await daemon.start();
  try {
    const imported = await daemon.ctr("image", "import", await makeImage(folder));
    if (imported.status !== 0) throw new Error(`cannot import the image: ${imported.stderr}`);
    for (const [index, check] of checks.entries()) {
      if (check === undefined) continue;
      for (const runtime of runtimes) {
        if (runtime === OWN || check.ownOnly === undefined) await judge(bench, check, runtime, index);
      }
    }
  } finally {
    await daemon.stop("SIGTERM");
  }
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    only: { type: "string" },
    shim: { type: "string", default: join(import.meta.dir, "../../dist/containerd-shim-tsrun-v2") },
    "no-peer": { type: "boolean", default: false },
    soak: { type: "string", default: "0" },
  });
  return await runSuite({
    name: "containerd",
    programs: NEEDED,
    judge: async (workspace, tally) => {
      const daemon = new Daemon(join(workspace.folder, "daemon"), values.shim);
      try {
        const tasks = Number(values.soak);
        const runtimes = values["no-peer"] || tasks > 0 ? [OWN] : [OWN, PEER];
        await judgeAll({ daemon, workspace, tally }, tasks > 0 ? [soakCheck(tasks)] : chosen(values.only), runtimes);
      } catch (error) {
        tally.fail("the suite", [
          String(error),
          readFileSync(join(daemon.folder, "containerd.log"), "utf8").slice(-2_000),
        ]);
      }
    },
  });
}

process.exitCode = await main();
