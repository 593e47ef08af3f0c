import { mkdirSync, openSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../harness/poll.ts";
import { type Outcome, run, start } from "../harness/process.ts";

/** Built in, and of no use here; some complain at length about what the machine lacks. */
const DISABLED = [
  "io.containerd.grpc.v1.cri",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.internal.v1.opt",
];

/** A containerd of this suite's own: configuration, data, state and address lie below one folder. */
export class Daemon {
  readonly folder: string;
  readonly address: string;
  readonly #config: string;
  readonly #scratch: string;
  readonly #bin: string;
  #child: Bun.Subprocess | undefined;

  /** `shim` is found first when containerd looks for the shim of a runtime. */
  constructor(folder: string, shim: string) {
    this.folder = folder;
    this.address = join(folder, "containerd.sock");
    this.#scratch = join(folder, "scratch");
    this.#bin = join(folder, "bin");
    this.#config = join(folder, "config.toml");
    for (const path of [this.#scratch, this.#bin]) mkdirSync(path, { recursive: true });
    symlinkSync(shim, join(this.#bin, "containerd-shim-tsrun-v2"));
    const lines = [
      "version = 2",
      `root = ${JSON.stringify(join(folder, "root"))}`,
      `state = ${JSON.stringify(join(folder, "state"))}`,
      `disabled_plugins = ${JSON.stringify(DISABLED)}`,
      // Garbage is collected when a client waits for it, and not by the clock.
      '[plugins."io.containerd.gc.v1.scheduler"]',
      "mutation_threshold = 100000",
      'startup_delay = "24h"',
      "[grpc]",
      `address = ${JSON.stringify(this.address)}`,
    ];
    writeFileSync(this.#config, `${lines.join("\n")}\n`);
  }

  get pid(): number {
    if (this.#child === undefined) throw new Error("containerd does not run");
    return this.#child.pid;
  }

  /** Where containerd keeps the bundle of a container. */
  bundle(id: string, namespace = "default"): string {
    return join(this.folder, "state/io.containerd.runtime.v2.task", namespace, id);
  }

  /** Starts containerd and waits until it answers. */
  async start(): Promise<void> {
    const log = openSync(join(this.folder, "containerd.log"), "a");
    this.#child = Bun.spawn({
      cmd: ["containerd", "--config", this.#config],
      env: { PATH: `${this.#bin}:${process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"}` },
      stdio: ["ignore", log, log],
    });
    await waitUntil("answer of containerd", async () => (await this.ctr("version")).status === 0);
  }

  /** Ends containerd; its shims live on. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#child?.kill(signal);
    await this.#child?.exited;
    this.#child = undefined;
  }

  /** Runs ctr to its end. */
  async ctr(...words: readonly string[]): Promise<Outcome> {
    return await run(["ctr", "--address", this.address, ...words], { scratch: this.#scratch });
  }

  /** Starts ctr. */
  spawn(...words: readonly string[]) {
    return start(["ctr", "--address", this.address, ...words], { scratch: this.#scratch });
  }

  /** Runs a line of shell in which `ctr` is that of this containerd. */
  async shell(line: string): Promise<Outcome> {
    const script = `ctr() { command ctr --address ${this.address} "$@"; }; ${line}`;
    return await run(["bash", "-c", script], { scratch: this.#scratch });
  }
}
