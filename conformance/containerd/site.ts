import { join } from "node:path";
import { containerdMajor } from "../harness/containerd-version.ts";
import { waitUntil } from "../harness/poll.ts";
import type { Outcome, Running } from "../harness/process.ts";
import type { Daemon } from "./daemon.ts";
import type { EventLog } from "./event-log.ts";
import { IMAGE } from "./image.ts";

/** What a check is given: a containerd, and a runtime to make containers with. */
export class Site {
  readonly daemon: Daemon;
  /** As `ctr run --runtime` wants it. */
  readonly runtime: string;
  readonly events: EventLog;
  /** A folder of this check's own. */
  readonly folder: string;
  /** The first number of containerd's version. */
  readonly major = containerdMajor();
  readonly #tag: string;
  readonly #ids = new Set<string>();

  constructor(parts: { daemon: Daemon; runtime: string; events: EventLog; folder: string; tag: string }) {
    this.daemon = parts.daemon;
    this.runtime = parts.runtime;
    this.events = parts.events;
    this.folder = parts.folder;
    this.#tag = parts.tag;
  }

  /** The name of a container of this check. */
  id(name = "c"): string {
    const id = `${this.#tag}-${name}`;
    this.#ids.add(id);
    return id;
  }

  /** The words of `ctr run` without the program. */
  runWords(id: string, options: readonly string[]): readonly string[] {
    const fifos = join(this.folder, "fifo");
    return ["run", "--runtime", this.runtime, "--fifo-dir", fifos, ...options, IMAGE, id];
  }

  /** Runs a container in the foreground, and removes it. */
  async run(options: readonly string[], ...program: readonly string[]): Promise<Outcome> {
    return await this.daemon.ctr(...this.runWords(this.id(), ["--rm", ...options]), ...program);
  }

  /** Runs a container in the background; gives its id. */
  async detach(options: readonly string[], ...program: readonly string[]): Promise<string> {
    const id = this.id();
    await this.ok(...this.runWords(id, ["--detach", "--null-io", ...options]), ...program);
    return id;
  }

  /** Starts a container in the foreground. */
  attached(id: string, options: readonly string[], ...program: readonly string[]): Running {
    return this.daemon.spawn(...this.runWords(id, options), ...program);
  }

  /** Runs ctr, which has to succeed. Gives what it prints. */
  async ok(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.daemon.ctr(...words);
    if (status !== 0) throw new Error(`ctr ${words.join(" ")}: exit ${status}: ${stderr.trim()}`);
    return stdout;
  }

  /** The status that `ctr task ls` gives; "" of a task that is not there. */
  async status(id: string): Promise<string> {
    const line = (await this.ok("task", "ls")).split("\n").find((each) => each.split(/\s+/)[0] === id);
    return line?.trim().split(/\s+/)[2] ?? "";
  }

  async waitForStatus(id: string, status: string): Promise<void> {
    await waitUntil(`status ${status} of ${id}`, async () => (await this.status(id)) === status);
  }

  /** The pid of a task's first process. */
  async pid(id: string): Promise<number> {
    const line = (await this.ok("task", "ls")).split("\n").find((each) => each.split(/\s+/)[0] === id);
    return Number(line?.trim().split(/\s+/)[1]);
  }

  /** Removes every container of this check. */
  async clear(): Promise<void> {
    for (const id of this.#ids) {
      await this.daemon.ctr("task", "rm", "--force", id);
      await this.daemon.ctr("container", "rm", id);
      await this.daemon.ctr("snapshot", "rm", id);
    }
  }
}

/** What a runtime must do. */
export interface Check {
  readonly name: string;
  readonly run: (site: Site) => Promise<void>;
  /** Why containerd's own shim with runc is not asked: it fails, or may hang. */
  readonly ownOnly?: string;
}
