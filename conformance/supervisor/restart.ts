import { join } from "node:path";
import { IMAGE } from "../containerd/image.ts";
import { waitUntil } from "../harness/poll.ts";
import { type Outcome, run } from "../harness/process.ts";
import type { Tally } from "../harness/tally.ts";
import { isAlive, type Workspace } from "../harness/workspace.ts";
import { findTask } from "./task.ts";
import { Tsrund } from "./tsrund.ts";

interface Parts {
  readonly program: string;
  readonly archive: string;
}

/** A daemon, and ctr. */
class Bench {
  readonly daemon: Tsrund;
  readonly tag: string;

  constructor(daemon: Tsrund, tag: string) {
    this.daemon = daemon;
    this.tag = tag;
  }

  async ctr(...words: readonly string[]): Promise<Outcome> {
    return await run(["ctr", "--address", this.daemon.address, ...words], { scratch: this.daemon.folder });
  }

  /** @throws {Error} with what ctr says */
  async ok(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.ctr(...words);
    if (status !== 0) throw new Error(`ctr ${words.join(" ")}: exit ${status}: ${stderr.trim()}`);
    return stdout;
  }

  /** Pid and status of a task, as `ctr tasks ls` shows them. */
  async task(id: string): Promise<readonly string[]> {
    return await findTask(() => this.ok("tasks", "ls"), id);
  }

  async sleeper(id: string): Promise<number> {
    await this.ok("run", "--detach", IMAGE, id, "sleep", "1000");
    return Number((await this.task(id))[0]);
  }

  async remove(id: string): Promise<void> {
    await this.ctr("tasks", "rm", "--force", id);
    await this.ctr("containers", "rm", id);
  }
}

function expectEqual(what: string, found: unknown, wanted: unknown): void {
  if (String(found) !== String(wanted)) throw new Error(`${what}: ${found}, must be ${wanted}`);
}

type Check = readonly [name: string, run: (bench: Bench) => Promise<void>];

const CHECKS: readonly Check[] = [
  [
    "killed by SIGKILL: tasks are found again",
    async (bench) => {
      const [kept, ended] = [`${bench.tag}-kept`, `${bench.tag}-ended`];
      const [keptPid, endedPid] = [await bench.sleeper(kept), await bench.sleeper(ended)];
      await bench.daemon.stop("SIGKILL");
      process.kill(endedPid, "SIGKILL");
      await waitUntil("end of the process", () => !isAlive(endedPid));
      await bench.daemon.start();
      expectEqual("the running task", await bench.task(kept), [keptPid, "RUNNING"]);
      expectEqual("the task that ended meanwhile", (await bench.task(ended))[1], "STOPPED");
      expectEqual("its exit status", (await bench.ctr("tasks", "rm", ended)).stderr.includes("137"), true);
      expectEqual(
        "an exec",
        (await bench.ok("tasks", "exec", "--exec-id", "e", kept, "echo", "there")).trim(),
        "there",
      );
      await bench.remove(ended);
      await bench.remove(kept);
    },
  ],
  [
    "ended by SIGTERM: status 0, the socket goes, tasks live on",
    async (bench) => {
      const id = `${bench.tag}-term`;
      const pid = await bench.sleeper(id);
      expectEqual("the exit status", await bench.daemon.stop("SIGTERM"), 0);
      expectEqual("the process", isAlive(pid), true);
      await bench.daemon.start();
      expectEqual("the task", await bench.task(id), [pid, "RUNNING"]);
      await bench.remove(id);
    },
  ],
  [
    "a shim killed by SIGKILL: its container goes on, in the care of another",
    async (bench) => {
      const id = `${bench.tag}-shim`;
      const pid = await bench.sleeper(id);
      const parent = Number(/PPid:\s+(\d+)/.exec(await Bun.file(`/proc/${pid}/status`).text())?.[1]);
      process.kill(parent, "SIGKILL");
      expectEqual("the task", await bench.task(id), [pid, "RUNNING"]);
      expectEqual("an exec", (await bench.ok("tasks", "exec", "--exec-id", "e", id, "echo", "there")).trim(), "there");
      await bench.ok("tasks", "kill", "--signal", "SIGKILL", id);
      await waitUntil("end of the task", async () => (await bench.task(id))[1] === "STOPPED");
      expectEqual("its exit status", (await bench.ctr("tasks", "rm", id)).stderr.includes("137"), true);
      await bench.remove(id);
    },
  ],
  [
    "a second daemon on the same root is refused",
    async (bench) => {
      const { folder, address } = bench.daemon;
      const words = ["--address", `${address}2`, "--root", join(folder, "root"), "--state", join(folder, "state")];
      const { status, stderr } = await run([join(import.meta.dir, "../../dist/tsrund"), ...words], { scratch: folder });
      expectEqual("the exit status", status, 1);
      expectEqual("the reason", stderr.includes("cannot lock"), true);
    },
  ],
];

/** What a daemon has to survive, and what has to survive it. */
export async function restartChecks(workspace: Workspace, { program, archive }: Parts, tally: Tally): Promise<void> {
  const bench = new Bench(new Tsrund(join(workspace.folder, "restart"), program), workspace.tag);
  await bench.daemon.start();
  try {
    await bench.ok("images", "import", archive);
    for (const [name, check] of CHECKS) {
      try {
        await check(bench);
        tally.pass(name);
      } catch (error) {
        tally.fail(name, [String(error)]);
      }
    }
  } finally {
    await bench.daemon.stop("SIGTERM");
  }
}
