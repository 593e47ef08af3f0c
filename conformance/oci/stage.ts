import { existsSync, linkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, defaultConfig } from "../harness/config.ts";
import { waitUntil } from "../harness/poll.ts";
import { type Outcome, type Running, run, type SpawnOptions, start } from "../harness/process.ts";
import type { Runtime } from "../harness/runtime.ts";
import { cgroupsNamed, isAlive, processesNamed, type Workspace } from "../harness/workspace.ts";
import { type LogLine, parseLog, Report } from "./report.ts";
import type { Findings } from "./verdicts.ts";

/** Where the probe is in every root filesystem. */
export const PROBE = "/probe";

/** Where hooks and the program write what they saw, inside; on the host it is a file of the root filesystem. */
export const LOG = "/log";

/** How long a container may take to come to its end. */
const END_MS = 60_000;
/** How long what has been killed may take to go. */
const GONE_MS = 60_000;

/** runtime.md § State, as `state` prints it. */
export interface State {
  readonly ociVersion?: unknown;
  readonly id?: unknown;
  readonly status?: unknown;
  readonly pid?: unknown;
  readonly bundle?: unknown;
  readonly annotations?: unknown;
}

/** The programs of the suite, built for this run. */
export interface Helpers {
  readonly probe: string;
  readonly receive: string;
}

/** What a stage is made from. */
export interface StageParts {
  readonly runtime: Runtime;
  readonly workspace: Workspace;
  readonly helpers: Helpers;
  readonly findings: Findings;
  /** Unique in the run. */
  readonly id: string;
}

/** A bundle and the runtime's commands on it: what one scenario plays on. */
export class Stage {
  readonly runtime: Runtime;
  readonly helpers: Helpers;
  readonly findings: Findings;
  readonly id: string;
  readonly folder: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly root: string;
  readonly scratch: string;
  /** Words in front of every command of the runtime. */
  around: readonly string[] = [];
  /** The config that {@link create} writes. */
  config: Config;
  #created: Running | undefined;
  readonly #ids: string[];
  readonly #cleanups: (() => void)[] = [];

  constructor({ runtime, workspace, helpers, findings, id }: StageParts) {
    this.runtime = runtime;
    this.helpers = helpers;
    this.findings = findings;
    this.id = id;
    this.#ids = [id];
    this.folder = join(workspace.folder, id);
    this.bundle = join(this.folder, "bundle");
    this.rootfs = join(this.bundle, "rootfs");
    this.root = join(workspace.folder, "state");
    this.scratch = join(this.folder, "scratch");
    for (const path of [this.folder, this.bundle, this.scratch, this.rootfs]) {
      mkdirSync(path, { recursive: true, mode: 0o755 });
    }
    for (const name of ["dev", "proc", "sys"]) mkdirSync(join(this.rootfs, name), { mode: 0o755 });
    linkSync(helpers.probe, join(this.rootfs, PROBE));
    this.config = defaultConfig([PROBE], `/${workspace.tag}/${id}`);
  }

  /** See {@link Findings.expect}. */
  expect(id: string, holds: boolean, seen: string): void {
    this.findings.expect(id, holds, seen);
  }

  /** See {@link Findings.skip}. */
  skip(id: string, why: string): void {
    this.findings.skip(id, why);
  }

  /** The command gave an error, as runtime.md § Errors means it: an exit status that is not 0. */
  expectError(id: string, outcome: Outcome, what: string): void {
    this.expect(id, outcome.status !== 0, `${what} ended with the status 0`);
  }

  /** Undone at the end of the scenario, last in first out. */
  defer(action: () => void): void {
    this.#cleanups.push(action);
  }

  /** The program shall do this. */
  program(...actions: string[]): void {
    this.config.process.args = [PROBE, ...actions];
  }

  command(words: readonly string[]): readonly string[] {
    return [...this.around, ...this.runtime.prefix, "--root", this.root, ...words];
  }

  /** Runs a command of the runtime to its end. */
  invoke(words: readonly string[], options: Partial<SpawnOptions> = {}): Promise<Outcome> {
    return run(this.command(words), { scratch: this.scratch, cwd: this.bundle, ...options });
  }

  /** Writes config.json, after `edit` of its text. */
  writeConfig(edit: (text: string) => string = (text) => text): void {
    writeFileSync(join(this.bundle, "config.json"), edit(JSON.stringify(this.config, undefined, 1)));
  }

  /** `create` with the config as it is now; the container has the output of this command. */
  async create(words: readonly string[] = []): Promise<Outcome> {
    this.writeConfig();
    return await this.createAs(this.id, words);
  }

  /** `create` of the bundle as it is, under a name. */
  async createAs(id: string, words: readonly string[] = []): Promise<Outcome> {
    if (!this.#ids.includes(id)) this.#ids.push(id);
    const command = this.command(["create", ...words, "--bundle", this.bundle, id]);
    this.#created = start(command, { scratch: this.scratch, cwd: this.folder });
    return await this.#created.outcome;
  }

  start(): Promise<Outcome> {
    return this.invoke(["start", this.id]);
  }

  kill(signal: string): Promise<Outcome> {
    return this.invoke(["kill", this.id, signal]);
  }

  delete(): Promise<Outcome> {
    return this.invoke(["delete", this.id]);
  }

  /** What `state` prints. @throws {Error} where it fails */
  async state(): Promise<State> {
    const outcome = await this.invoke(["state", this.id]);
    if (outcome.status !== 0) throw new Error(`state failed: ${outcome.stderr.trim()}`);
    return JSON.parse(outcome.stdout) as State;
  }

  /** True if the runtime knows the container. */
  async isKnown(id: string = this.id): Promise<boolean> {
    return (await this.invoke(["state", id])).status === 0;
  }

  async pid(): Promise<number> {
    const { pid } = await this.state();
    if (typeof pid !== "number") throw new Error(`state has no pid: ${String(pid)}`);
    return pid;
  }

  /** What the container has written until now, both streams of `create` included. */
  output(): string {
    return this.#created?.output() ?? "";
  }

  /** Waits until the probe has done `action`. */
  async waitFor(action: string): Promise<void> {
    await waitUntil(
      `${action} in the probe's report`,
      () => new Report(this.output()).lines.some((line) => line.do === action),
      END_MS,
    );
  }

  /** Waits for the end of a process that is to end; true if it stays. */
  async waitProcess(pid: number): Promise<boolean> {
    await waitUntil("end", () => !isAlive(pid), GONE_MS).catch(() => undefined);
    return isAlive(pid);
  }

  /** Waits until the container has stopped. */
  async waitStopped(pid?: number): Promise<void> {
    const process = pid ?? (await this.pid());
    await waitUntil(`end of the container's process ${process}`, () => process <= 0 || !isAlive(process), END_MS);
    await waitUntil("status stopped", async () => (await this.state()).status === "stopped", END_MS);
  }

  /** create, start, the end, delete. @throws {Error} with what the runtime said */
  async play(...actions: string[]): Promise<Report> {
    this.program(...actions);
    mustWork("create", await this.create());
    const pid = await this.pid();
    mustWork("start", await this.start());
    await this.waitStopped(pid);
    const report = new Report(this.output());
    mustWork("delete", await this.delete());
    return report;
  }

  /** The lines of the common log. */
  log(): readonly LogLine[] {
    const path = join(this.rootfs, LOG);
    return existsSync(path) ? parseLog(readFileSync(path, "utf8")) : [];
  }

  /** True where `create` with this config gives an error, and leaves no container. */
  async isRefused(): Promise<boolean> {
    const { status } = await this.create();
    const left = await this.isKnown();
    await this.clear();
    return status !== 0 && !left;
  }

  /** `create` with the config changed by `edit` gives an error. The config is as before afterwards. */
  async expectRefused(id: string, what: string, edit: (config: Config) => void): Promise<void> {
    const config = this.config;
    this.config = structuredClone(config);
    edit(this.config);
    this.expect(id, await this.isRefused(), `create takes ${what}`);
    this.config = config;
  }

  /** Cgroups and processes that bear the container's name. */
  leftovers(): readonly string[] {
    const processes = processesNamed([`/${this.id}`]).filter(isAlive);
    return [...cgroupsNamed(this.id), ...processes.map((pid) => `process ${pid}`)];
  }

  /** Waits until what is left of the container is gone, and says what stays. */
  async waitGone(): Promise<readonly string[]> {
    await waitUntil("end", () => this.leftovers().length === 0, GONE_MS).catch(() => undefined);
    return this.leftovers();
  }

  /** Forces every container of this stage away. */
  async clear(): Promise<void> {
    for (const id of this.#ids) {
      if (await this.isKnown(id)) await this.invoke(["delete", "--force", id], { cwd: "/" });
    }
  }

  async close(): Promise<void> {
    await this.clear();
    for (const action of this.#cleanups.reverse()) action();
  }
}

/** @throws {Error} with what the command said */
export function mustWork(what: string, { status, stderr }: Outcome): void {
  if (status !== 0) throw new Error(`${what} ended with ${status}: ${stderr.trim()}`);
}

/** Some requirements looked at together, because one container shows them. */
export interface Scenario {
  /** `GROUP/NAME`, as the requirements name it. */
  readonly name: string;
  /** Part of the short selection. */
  readonly short?: boolean;
  readonly play: (stage: Stage) => Promise<void>;
}
