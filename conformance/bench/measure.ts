import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, defaultConfig } from "../harness/config.ts";
import { run } from "../harness/process.ts";
import type { Runtime } from "../harness/runtime.ts";
import { readProc, type Workspace } from "../harness/workspace.ts";
import { bisect } from "./statistics.ts";

const LIMIT_RANGE_KIB = { low: 0, high: 65536, step: 64 };
/** A limit counts as enough if the container starts so many times in a row. */
const LIMIT_ATTEMPTS = 3;

/** One runtime with its state root, scratch folder and bundles. */
export class Site {
  readonly runtime: Runtime;
  readonly scratch: string;
  /** Whether the sleeping container has been started. */
  sleeping = false;
  readonly #workspace: Workspace;
  readonly #folder: string;
  readonly #lifecycle: string;

  constructor(runtime: Runtime, workspace: Workspace, lifecycle: string) {
    this.runtime = runtime;
    this.#workspace = workspace;
    this.#folder = join(workspace.folder, runtime.name);
    this.#lifecycle = lifecycle;
    this.scratch = join(this.#folder, "scratch");
    mkdirSync(this.scratch, { recursive: true, mode: 0o711 });
  }

  id(name: string): string {
    return `${this.#workspace.tag}-${this.runtime.name}-${name}`;
  }

  /** A bundle on the common root filesystem; the same for every runtime but for the cgroup's name. */
  bundle(name: string, args: readonly string[], change: (config: Config) => void = () => undefined): string {
    const bundle = join(this.#folder, name);
    mkdirSync(bundle, { recursive: true, mode: 0o711 });
    const config = defaultConfig(args, `/${this.#workspace.tag}/${this.runtime.name}-${name}`);
    config.root.path = join(this.#workspace.folder, "rootfs");
    change(config);
    writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
    return bundle;
  }

  command(...words: readonly string[]): readonly string[] {
    return [...this.runtime.prefix, "--root", join(this.#folder, "state"), ...words];
  }

  lifecycleCommand(bundle: string): readonly string[] {
    return [this.#lifecycle, join(this.scratch, "cycle.pid"), ...this.command(), "--", bundle, this.id("cycle")];
  }

  /** Runs a runtime command. @throws {Error} with its words if it fails */
  async invoke(...words: readonly string[]): Promise<void> {
    const outcome = await run(this.command(...words), { scratch: this.scratch });
    if (outcome.status !== 0) throw new Error(`${this.runtime.name} ${words[0]}: ${outcome.stderr.trim()}`);
  }

  /** Creates the container `name`. Returns the pid of its waiting init. */
  async create(name: string, bundle: string): Promise<number> {
    const pidFile = join(this.scratch, `${name}.pid`);
    await this.invoke("create", "--bundle", bundle, "--pid-file", pidFile, this.id(name));
    return Number(readFileSync(pidFile, "utf8"));
  }
}

/** Times in milliseconds of `command`, by hyperfine without a shell and with its warm-ups dropped. */
export async function timeCommand(site: Site, command: readonly string[], runs: number): Promise<readonly number[]> {
  const report = join(site.scratch, "hyperfine.json");
  const words = [
    "hyperfine",
    "-N",
    "--style",
    "none",
    "--warmup",
    "2",
    "--runs",
    String(runs),
    "--export-json",
    report,
  ];
  const outcome = await run([...words, command.join(" ")], { scratch: site.scratch });
  if (outcome.status !== 0) throw new Error(`cannot time ${command.slice(-3).join(" ")}: ${outcome.stderr.trim()}`);
  const parsed: unknown = JSON.parse(readFileSync(report, "utf8"));
  return parseTimes(parsed).map((seconds) => seconds * 1000);
}

/** The `times` of the one result in hyperfine's export, in seconds. @throws {Error} for another shape */
export function parseTimes(report: unknown): readonly number[] {
  const results = fieldOf(report, "results");
  const times = fieldOf(Array.isArray(results) ? results[0] : undefined, "times");
  if (!Array.isArray(times)) throw new Error("cannot read hyperfine's report: no results[0].times");
  return times.filter((time) => typeof time === "number");
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

/** KiB of a field such as "Pss" in the text of /proc/PID/smaps_rollup or /proc/PID/status. */
export function parseKib(text: string, field: string): number | undefined {
  const found = new RegExp(`^${field}:\\s*(\\d+) kB$`, "m").exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Resident and proportional memory in KiB of the init that waits between create and start. */
export async function waitingMemory(site: Site): Promise<{ readonly rssKib: number; readonly pssKib: number }> {
  const pid = await site.create("waiting", site.bundle("waiting", ["/bin/true"]));
  const rollup = readProc(pid, "smaps_rollup");
  await site.invoke("delete", "--force", site.id("waiting"));
  const rssKib = parseKib(rollup, "Rss");
  const pssKib = parseKib(rollup, "Pss");
  if (rssKib === undefined || pssKib === undefined) throw new Error("cannot read smaps_rollup of the waiting init");
  return { rssKib, pssKib };
}

/** The smallest memory limit in KiB under which `run` of `true` succeeds. */
export function smallestLimit(site: Site): Promise<number | undefined> {
  return bisect(LIMIT_RANGE_KIB, async (kib) => {
    const bundle = site.bundle("limit", ["/bin/true"], (config) => {
      config.linux.resources = { devices: [{ allow: false, access: "rwm" }], memory: { limit: kib * 1024 } };
    });
    for (let attempt = 0; attempt < LIMIT_ATTEMPTS; attempt++) {
      const outcome = await run(site.command("run", "--bundle", bundle, site.id("limit")), { scratch: site.scratch });
      if (outcome.status === 0) continue;
      await run(site.command("delete", "--force", site.id("limit")), { scratch: site.scratch });
      return false;
    }
    return true;
  });
}
