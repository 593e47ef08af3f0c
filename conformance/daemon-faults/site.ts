import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../harness/poll.ts";
import { type Outcome, type Running, run, start } from "../harness/process.ts";
import { cgroupsNamed, isAlive, mountsBelow, processesNamed, readProc } from "../harness/workspace.ts";
import { findTask } from "../supervisor/task.ts";
import { Tsrund } from "../supervisor/tsrund.ts";

/** The runtime's records of ctr's containers. */
const STATE = "/run/containerd/tsrun/default";
/** A process without a shim is reaped by the machine's first process, which may take its time. */
const SETTLE_MS = 60_000;

/** What a suite is set up with. */
export interface Setting {
  /** The built tsrund. */
  readonly program: string;
  /** An image of a few hundred files. */
  readonly archive: string;
  /** The digest of its manifest. */
  readonly manifest: string;
  /** An image that is larger than the small disk. */
  readonly large: string;
  readonly folder: string;
  readonly tag: string;
  readonly rounds: number;
  /** The only one in the midst of which something is killed; all without it. */
  readonly operation: string | undefined;
  /** Numbers from 0 to 1, the same for the same seed. */
  readonly random: () => number;
}

/** A tsrund, and ctr. */
export class Site {
  readonly daemon: Tsrund;
  readonly tag: string;
  readonly #program: string;

  constructor({ program, tag }: Setting, folder: string) {
    this.daemon = new Tsrund(folder, program);
    this.tag = tag;
    this.#program = program;
    mkdirSync(folder, { recursive: true });
  }

  /** Starts a client. */
  start(client: string, ...words: readonly string[]): Running {
    return start([client, "--address", this.daemon.address, ...words], { scratch: this.daemon.folder });
  }

  startCtr(...words: readonly string[]): Running {
    return this.start("ctr", ...words);
  }

  async ctr(...words: readonly string[]): Promise<Outcome> {
    return await this.startCtr(...words).outcome;
  }

  /** @throws {Error} with what ctr says */
  async ok(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.ctr(...words);
    if (status !== 0) throw new Error(`ctr ${words.join(" ")}: exit ${status}: ${stderr.trim()}`);
    return stdout;
  }

  /** Whether a listing has a line that begins with a word. */
  async has(word: string, ...words: readonly string[]): Promise<boolean> {
    return (await this.ok(...words)).split("\n").some((line) => line.split(/\s+/)[0] === word);
  }

  /** Pid and status of a task, as ctr lists them; nothing when there is none. */
  async task(id: string): Promise<readonly string[]> {
    return await findTask(() => this.ok("tasks", "ls"), id);
  }

  /** Removes whatever there is of a container. */
  async remove(id: string): Promise<void> {
    const { stderr } = await this.ctr("tasks", "rm", "--force", id);
    if ((await this.task(id)).length > 0) throw new Error(`task ${id} cannot be removed: ${stderr.trim()}`);
    await this.ctr("containers", "rm", id);
    // Of one whose client has come no further than its snapshot.
    await this.ctr("snapshots", "rm", id);
    if (await this.has(id, "containers", "ls")) throw new Error(`container ${id} cannot be removed`);
  }

  /** What is wrong with the store, which no daemon has open; `orphans` a crash may leave, and a start removes. */
  async fsck({ orphans }: { readonly orphans: "allowed" | "forbidden" }): Promise<void> {
    await this.fsckOf(join(this.daemon.folder, "root"), orphans);
  }

  /** @throws {Error} with what is wrong */
  async fsckOf(root: string, orphans: "allowed" | "forbidden"): Promise<void> {
    const words = [this.#program, "fsck", "--config", "/dev/null", "--root", root, "--format", "json"];
    const { status, stdout, stderr } = await run(words, { scratch: this.daemon.folder });
    const found = stdout.split("\n").filter((line) => line !== "");
    const faults = found.filter(
      (line) => orphans === "forbidden" || !/"why":"no record names (?:it|its file)"/.test(line),
    );
    if (status !== (found.length === 0 ? 0 : 4) || faults.length > 0) {
      throw new Error(`fsck: exit ${status}: ${[...faults, stderr].join("\n").trim()}`);
    }
  }

  /** The shim of a container; undefined while there is none. */
  findShim(id: string): number | undefined {
    return processesNamed([`-id\0${id}\0`]).find(
      (pid) => isAlive(pid) && readProc(pid, "cmdline").includes("\0-socket\0"),
    );
  }

  /** How many descriptors the daemon has open. */
  descriptors(): number {
    return readdirSync(`/proc/${this.daemon.pid}/fd`).length;
  }

  /** Fails when something of a container is left on the machine. @throws {Error} that names it */
  async expectNothingLeft(): Promise<void> {
    await waitUntil("clean machine", () => this.#left().length === 0, SETTLE_MS).catch(() => undefined);
    const left = this.#left();
    if (left.length > 0) throw new Error(`left behind: ${left.join("; ")}`);
  }

  #left(): readonly string[] {
    const { folder, pid: own } = this.daemon;
    const named = (path: string) =>
      existsSync(path) ? readdirSync(path).filter((name) => name.includes(this.tag)) : [];
    const bundles = join(folder, "state/io.containerd.runtime.v2.task/default");
    // Shims that wait for a task are the daemon's own.
    const isOwn = (pid: number) => pid === own || readProc(pid, "cmdline").includes("\0standby\0");
    const processes = processesNamed([`${folder}/`, this.tag]).filter((pid) => !isOwn(pid) && isAlive(pid));
    return [
      ...processes.map((pid) => `process ${pid} (${readProc(pid, "cmdline").replaceAll("\0", " ").trim()})`),
      ...mountsBelow(folder)
        .filter((path) => path.startsWith(join(folder, "state")))
        .map((path) => `mount ${path}`),
      ...cgroupsNamed(this.tag).map((path) => `cgroup ${path}`),
      ...named(STATE).map((name) => `state ${name}`),
      ...named(bundles).map((name) => `bundle ${name}`),
    ];
  }
}

/** @throws {Error} that names both */
export function expectEqual(what: string, found: unknown, wanted: unknown): void {
  if (String(found) !== String(wanted)) throw new Error(`${what}: ${found}, must be ${wanted}`);
}
