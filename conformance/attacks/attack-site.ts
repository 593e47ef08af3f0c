import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, defaultConfig } from "../harness/config.ts";
import { type Outcome, type Running, run, type SpawnOptions, start } from "../harness/process.ts";
import { makeRootfs } from "../harness/rootfs.ts";
import type { Runtime } from "../harness/runtime.ts";
import type { Workspace } from "../harness/workspace.ts";

/** What a hook does first: crun takes one that has ended before all of the state was written to it for one that fails. */
export const READ_STATE = "while read -r line; do :; done";

/** What a site is made from. */
export interface AttackSiteParts {
  readonly runtime: Runtime;
  readonly workspace: Workspace;
  /** The path of intruder.c, built. */
  readonly intruder: string;
  /** Unique in the run. */
  readonly id: string;
}

/** What the victim's file says; whoever reads it in a container has broken out. */
export const SECRET = "the host's own";

/** One attack on one runtime: a bundle that the attacker has made, and a directory of the host that is not his. */
export class AttackSite {
  readonly runtime: Runtime;
  readonly intruder: string;
  readonly id: string;
  readonly folder: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly root: string;
  readonly scratch: string;
  readonly cgroup: string;
  readonly config: Config;
  /** A directory of the host with a file `secret` and a directory `empty`. */
  readonly victim: string;
  readonly #untouched: readonly string[];

  constructor({ runtime, workspace, intruder, id }: AttackSiteParts) {
    this.runtime = runtime;
    this.intruder = intruder;
    this.id = id;
    this.folder = join(workspace.folder, id);
    this.bundle = join(this.folder, "bundle");
    this.rootfs = join(this.bundle, "rootfs");
    this.root = join(this.folder, "state");
    this.scratch = join(this.folder, "scratch");
    this.victim = join(this.folder, "victim");
    this.cgroup = `/${workspace.tag}/${id}`;
    for (const path of [this.folder, this.bundle, this.scratch, this.victim]) mkdirSync(path, { mode: 0o711 });
    writeFileSync(join(this.victim, "secret"), SECRET);
    mkdirSync(join(this.victim, "empty"));
    makeRootfs(this.rootfs);
    this.config = defaultConfig(["/bin/true"], this.cgroup);
    this.#untouched = treeOf(this.victim);
  }

  /** Makes a shell script the program of the container. */
  shell(script: string): void {
    this.config.process.args = ["/bin/sh", "-c", script];
  }

  /** Leaves out a mount of the default config. */
  withoutMount(destination: string): void {
    this.config.mounts = this.config.mounts.filter((mount) => mount.destination !== destination);
  }

  /** Writes config.json, after `edit` of its text. */
  write(edit: (text: string) => string = (text) => text): void {
    writeFileSync(join(this.bundle, "config.json"), edit(JSON.stringify(this.config)));
  }

  command(...words: readonly string[]): readonly string[] {
    return [...this.runtime.prefix, "--root", this.root, ...words];
  }

  /** Runs a command of the runtime to its end. */
  invoke(words: readonly string[], options: Partial<SpawnOptions> = {}): Promise<Outcome> {
    return run(this.command(...words), { scratch: this.scratch, cwd: this.bundle, ...options });
  }

  /** Runs another program of the host to its end. */
  spawn(command: readonly string[], options: Partial<SpawnOptions> = {}): Promise<Outcome> {
    return run(command, { scratch: this.scratch, cwd: this.bundle, ...options });
  }

  begin(command: readonly string[], options: Partial<SpawnOptions> = {}): Running {
    return start(command, { scratch: this.scratch, cwd: this.bundle, ...options });
  }

  /** Writes the bundle, runs it, and removes what it left. */
  async run(): Promise<Outcome> {
    this.write();
    const outcome = await this.invoke(["run", "--bundle", this.bundle, this.id]);
    await this.remove();
    return outcome;
  }

  /** Writes the bundle and creates the container. */
  async create(...options: readonly string[]): Promise<Outcome> {
    this.write();
    return await this.invoke(["create", "--bundle", this.bundle, ...options, this.id]);
  }

  /** Starts a container that does nothing, for an attack from within. @throws {Error} when it does not start */
  async runDetached(args: readonly string[]): Promise<void> {
    this.config.process.args = [...args];
    this.write();
    const { status, stderr } = await this.invoke(["run", "--detach", "--bundle", this.bundle, this.id]);
    if (status !== 0) throw new Error(`cannot start the container to attack from: ${stderr}`);
  }

  async remove(): Promise<void> {
    await this.invoke(["delete", "--force", this.id]);
  }

  /** The pid of init. @throws {Error} when there is no container */
  async initPid(): Promise<number> {
    const { stdout, stderr } = await this.invoke(["state", this.id]);
    const state: unknown = stdout === "" ? {} : JSON.parse(stdout);
    if (typeof state === "object" && state !== null && "pid" in state) return Number(state.pid);
    throw new Error(`no state of ${this.id}: ${stderr}`);
  }

  /** What is not as it was in the victim's directory. */
  victimDamage(): readonly string[] {
    const now = treeOf(this.victim);
    return [
      ...now.filter((line) => !this.#untouched.includes(line)).map((line) => `on the host: ${line}`),
      ...this.#untouched.filter((line) => !now.includes(line)).map((line) => `gone on the host: ${line}`),
    ];
  }

  /**
   * Adds a hook that runs in the container's mount namespace before its root is entered, when what is mounted outside of
   * the rootfs can still be seen. Gives what tells of mounts on the victim afterwards.
   */
  watchMounts(): () => readonly string[] {
    const seen = join(this.scratch, "mountinfo");
    const args = ["sh", "-c", `${READ_STATE}; cat /proc/self/mountinfo >> ${seen}`];
    this.config.hooks = { createContainer: [{ path: "/bin/sh", args, env: ["PATH=/usr/bin:/bin"] }] };
    return () => {
      const lines = existsSync(seen) ? readFileSync(seen, "utf8").split("\n") : [];
      const points = lines.map((line) => line.split(" ")[4] ?? "");
      return [...new Set(points.filter((point) => `${point}/`.startsWith(`${this.victim}/`)))].map(
        (point) => `mounted on the host's ${point}`,
      );
    };
  }
}

/** Every file below a directory, with type, mode, owner and contents; no link is followed. */
function treeOf(folder: string, prefix = ""): readonly string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      const status = lstatSync(path);
      const { mode, uid, gid, rdev } = status;
      const what = status.isSymbolicLink()
        ? `-> ${readlinkSync(path)}`
        : status.isFile()
          ? readFileSync(path, "utf8")
          : "";
      const line = `${prefix}${name} ${mode.toString(8)} ${uid}:${gid} ${rdev} ${what}`;
      return status.isDirectory() ? [line, ...treeOf(path, `${prefix}${name}/`)] : [line];
    });
}
