import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type Config, defaultConfig } from "../harness/config.ts";
import { waitUntil } from "../harness/poll.ts";
import { type Outcome, type Running, run, type SpawnOptions, start } from "../harness/process.ts";
import { makeRootfs } from "../harness/rootfs.ts";
import { ownCgroups, type Runtime } from "../harness/runtime.ts";
import { cgroupsNamed, isAlive, mountsBelow, processesNamed, readProc, type Workspace } from "../harness/workspace.ts";
import { type Names, replaceNames } from "./normalise.ts";
import { type Helpers, namespacesOf, type ProbeOptions, writeProbeOptions } from "./probe.ts";

/** How long a process may take to end after its container is gone. */
const ENDING_MS = 10_000;

/** What a session is made from. */
export interface SessionParts {
  readonly runtime: Runtime;
  readonly workspace: Workspace;
  readonly helpers: Helpers;
  /** Unique in the run. */
  readonly id: string;
}

/** The host's own device that stands for "no input": a runtime that gives away its standard input gives away this. */
function hostDevice(): string {
  const { uid, gid, mode } = statSync("/dev/null");
  return `/dev/null mode ${mode.toString(8)} owner ${uid}:${gid}`;
}

/** One case run by one runtime: its bundle, its state root, and what has been seen so far. */
export class Session {
  readonly runtime: Runtime;
  readonly helpers: Helpers;
  readonly id: string;
  readonly folder: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly root: string;
  readonly scratch: string;
  readonly cgroup: string;
  readonly config: Config;
  readonly observation = new Map<string, readonly string[]>();
  /** Namespaces by name; a case adds those it makes. */
  readonly namespaces: Map<string, string>;
  readonly #hostname = hostname();
  readonly #names: [string, string][];
  readonly #cleanups: (() => void)[] = [];

  constructor({ runtime, workspace, helpers, id }: SessionParts) {
    this.runtime = runtime;
    this.helpers = helpers;
    this.id = id;
    this.folder = join(workspace.folder, id);
    this.bundle = join(this.folder, "bundle");
    this.rootfs = join(this.bundle, "rootfs");
    this.root = join(this.folder, "state");
    this.scratch = join(this.folder, "scratch");
    this.cgroup = `/${workspace.tag}/${id}`;
    for (const path of [this.folder, this.bundle, this.scratch]) mkdirSync(path, { mode: 0o711 });
    makeRootfs(this.rootfs);
    copyFileSync(helpers.probe, join(this.rootfs, "bin/probe"));
    copyFileSync(join(import.meta.dir, "probe.sh"), join(this.rootfs, "probe.sh"));
    this.config = defaultConfig(["/bin/probe", "one", "two words", ""], this.cgroup);
    this.namespaces = new Map(namespacesOf("self", "host"));
    this.#names = [
      [this.cgroup, "<CGROUP>"],
      [this.rootfs, "<ROOTFS>"],
      [this.bundle, "<BUNDLE>"],
      [this.root, "<STATE>"],
      [this.scratch, "<SCRATCH>"],
      [this.folder, "<FOLDER>"],
      [id, "<ID>"],
      [workspace.tag, "<TAG>"],
    ];
    for (const path of ownCgroups().values()) if (path !== "/") this.#names.push([path, "<OWN>"]);
  }

  get names(): Names {
    return this.#names;
  }

  /** Calls `text` `name` in everything recorded from now on. */
  rename(text: string, name: string): void {
    this.#names.push([text, name]);
  }

  /** Writes config.json, after `edit` of its text, and what the probe shall look at. */
  writeBundle(probe: ProbeOptions = {}, edit: (text: string) => string = (text) => text): void {
    writeFileSync(join(this.bundle, "config.json"), edit(JSON.stringify(this.config, undefined, 2)));
    writeProbeOptions(this.rootfs, probe);
  }

  /** The words of a runtime command on this session's state root. */
  command(words: readonly string[], globals: readonly string[] = []): readonly string[] {
    return [...this.runtime.prefix, "--root", this.root, ...globals, ...words];
  }

  /** Runs a runtime command to its end. */
  invoke(words: readonly string[], options: Partial<SpawnOptions> = {}): Promise<Outcome> {
    return run(this.command(words), { scratch: this.scratch, cwd: this.bundle, ...options });
  }

  /** Starts a runtime command, or another program around it. */
  begin(command: readonly string[], options: Partial<SpawnOptions> = {}): Running {
    return start(command, { scratch: this.scratch, cwd: this.bundle, ...options });
  }

  /** Notes what was seen; the session's own names are replaced. */
  record(section: string, lines: readonly string[]): void {
    const before = this.observation.get(section) ?? [];
    this.observation.set(section, [...before, ...lines.map((line) => replaceNames(line, this.#names))]);
  }

  /** Notes exit status and the shape of the output of a command. */
  recordOutcome(section: string, outcome: Outcome): void {
    const lines = outcome.stderr.split("\n").filter((line) => line.trim() !== "");
    this.record(section, [`exit ${outcome.status}`, lines.length === 0 ? "stderr silent" : "stderr speaks"]);
    if (outcome.status !== 0 || lines.length > 0) this.remember(section, outcome);
  }

  /** Texts for --verbose: never compared. */
  readonly notes: string[] = [];

  remember(what: string, outcome: Outcome): void {
    this.notes.push(`${what}: exit ${outcome.status}: ${outcome.stderr.trim() || outcome.stdout.trim().slice(-300)}`);
  }

  /** Runs `action` when the case is over, last in first out. */
  defer(action: () => void): void {
    this.#cleanups.push(action);
  }

  /** Processes of the container and of its runtime. */
  processes(): readonly number[] {
    return processesNamed([this.folder, this.cgroup]).filter(isAlive);
  }

  /** What the container left behind. Call it after `delete`. */
  async recordLeftovers(pid: number): Promise<void> {
    // Whoever has been told to end may take a moment; who stays after that is left over.
    await waitUntil("end of every process", () => this.processes().length === 0, ENDING_MS).catch(() => undefined);
    const processes = this.processes();
    this.record("leftovers", [
      `cgroups ${cgroupsNamed(this.id).join(" ") || "none"}`,
      `mounts ${mountsBelow(this.folder).join(" ") || "none"}`,
      `state ${
        existsSync(this.root)
          ? readdirSync(this.root)
              // A cache is not the container's.
              .filter((name) => !name.startsWith(".") && !name.startsWith("@"))
              .join(" ") || "none"
          : "none"
      }`,
      `init ${pid > 0 && isAlive(pid) ? "alive" : "gone"}`,
      `processes ${processes.map((other) => readProc(other, "comm").trim()).join(" ") || "none"}`,
      `host's ${hostDevice()}`,
      `host's name ${hostname() === this.#hostname ? "kept" : "changed"}`,
      `sockets ${readProc(process.pid, "net/unix").includes(this.folder) ? "some" : "none"}`,
    ]);
  }

  /** Forces the container away and undoes what the case set up. */
  async close(): Promise<void> {
    await this.invoke(["delete", "--force", this.id], { cwd: "/" });
    for (const action of this.#cleanups.reverse()) action();
    chownSync("/dev/null", 0, 0);
    chmodSync("/dev/null", 0o666);
    if (hostname() !== this.#hostname) Bun.spawnSync({ cmd: ["hostname", this.#hostname] });
  }
}
