import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, defaultConfig } from "../harness/config.ts";
import { waitUntil } from "../harness/poll.ts";
import { type Outcome, type Running, run, start } from "../harness/process.ts";
import { cgroupsNamed, isAlive, mountsBelow, processesNamed, type Workspace } from "../harness/workspace.ts";

/** How long what was killed may take to be gone on a busy machine. */
const SETTLE_MS = 60_000;

/** Words of a program that has met what it did not foresee. */
const UNCLEAR = /internal error|TypeError|ReferenceError|undefined|\[object |NaN|\n\s+at /;

/** What the sites of a run share. */
export interface FaultParts {
  /** Path of the executable. */
  readonly runtime: string;
  readonly workspace: Workspace;
  readonly rootfs: string;
}

/** A container to be, and what is around it. */
export class FaultSite {
  readonly id: string;
  readonly folder: string;
  readonly bundle: string;
  readonly root: string;
  readonly config: Config;
  readonly #parts: FaultParts;

  constructor(parts: FaultParts, name: string) {
    this.#parts = parts;
    this.id = `${parts.workspace.tag}-${name}`;
    this.folder = join(parts.workspace.folder, name);
    this.bundle = join(this.folder, "bundle");
    this.root = join(this.folder, "state");
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.bundle, { recursive: true, mode: 0o711 });
    this.config = defaultConfig(["/bin/sleep", "1000"], `/${parts.workspace.tag}/${this.id}`);
    this.config.root.path = parts.rootfs;
    this.config.linux.resources = { pids: { limit: 100 }, devices: [{ allow: false, access: "rwm" }] };
    this.config.linux.seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["mount"], action: "SCMP_ACT_ERRNO", errnoRet: 1 }],
    };
    this.config.linux.sysctl = { "kernel.domainname": "fault" };
    this.write();
  }

  write(): void {
    writeFileSync(join(this.bundle, "config.json"), JSON.stringify(this.config));
  }

  command(...words: readonly string[]): readonly string[] {
    return [this.#parts.runtime, "--root", this.root, ...words];
  }

  begin(command: readonly string[]): Running {
    return start(command, { scratch: this.folder, cwd: this.bundle });
  }

  /** Runs a command of the runtime to its end. */
  invoke(...words: readonly string[]): Promise<Outcome> {
    return run(this.command(...words), { scratch: this.folder, cwd: this.bundle });
  }

  /** Runs commands that have to succeed. @throws {Error} */
  async prepare(...commands: readonly (readonly string[])[]): Promise<void> {
    for (const words of commands) {
      const { status, stderr } = await this.invoke(...words);
      if (status !== 0) throw new Error(`cannot prepare by ${words[0]}: ${stderr}`);
    }
  }

  get create(): readonly string[] {
    return ["create", "--bundle", this.bundle, this.id];
  }

  /** What is there of the container after `delete --force`, which has to succeed without a word. */
  async clear(): Promise<readonly string[]> {
    const { status, stderr } = await this.invoke("delete", "--force", this.id);
    const said =
      status === 0 && (stderr === "" || stderr.startsWith("tsrun: warning: "))
        ? []
        : [`delete --force: status ${status}: ${stderr.trim()}`];
    await waitUntil("end of what is left", () => this.leftovers().length === 0, SETTLE_MS).catch(() => undefined);
    return [...said, ...this.leftovers()];
  }

  leftovers(): readonly string[] {
    const states = existsSync(this.root) ? readdirSync(this.root).filter((name) => !name.startsWith("@")) : [];
    return [
      // By its cgroup or its id: who started it may have been killed.
      ...processesNamed([this.id])
        .filter(isAlive)
        .map((pid) => `process ${pid} is left: ${describe(pid)}`),
      ...cgroupsNamed(this.id).map((path) => `cgroup ${path} is left`),
      ...mountsBelow(this.folder)
        .filter((path) => path !== this.root)
        .map((path) => `mount ${path} is left`),
      ...states.map((name) => `state of ${name} is left`),
    ];
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function describe(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** What `exec` exits with, as a program's own statuses are below. */
const EXEC_FAILED = 255;

/** What is wrong with the end of a command that may fail: it says why in one line and exits with 1, or succeeds. */
export function faultsOf({ status, stderr }: Outcome, mayBeSilent = false): readonly string[] {
  if (status === 0) return [];
  const lines = stderr.split("\n").filter((each) => each !== "" && !each.startsWith("tsrun: warning: "));
  const [line = ""] = lines;
  const text = line.replaceAll(/"(\\.|[^"\\])*"/g, '""');
  const isClear = lines.length === 1 && line.startsWith("tsrun: ") && !UNCLEAR.test(text);
  if ((status === 1 || status === EXEC_FAILED) && (isClear || (mayBeSilent && stderr === ""))) return [];
  return [`status ${status}: ${JSON.stringify(stderr.slice(0, 600))}`];
}
