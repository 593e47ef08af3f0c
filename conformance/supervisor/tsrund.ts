import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../harness/poll.ts";
import { run } from "../harness/process.ts";

/** What else a daemon is started with. */
export interface TsrundOptions {
  /** A command that becomes it. */
  readonly within?: readonly string[];
  readonly options?: readonly string[];
}

/** A tsrund of this suite's own: data, state and address lie below one folder. */
export class Tsrund {
  readonly folder: string;
  readonly address: string;
  readonly #program: string;
  readonly #extra: TsrundOptions;
  #child: Bun.Subprocess | undefined;

  constructor(folder: string, program: string, extra: TsrundOptions = {}) {
    this.folder = folder;
    this.address = join(folder, "tsrund.sock");
    this.#program = program;
    this.#extra = extra;
    mkdirSync(folder, { recursive: true });
  }

  /** 0 while it does not run. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts the daemon and waits until it answers. */
  async start(): Promise<void> {
    const { folder, address } = this;
    const { within = [], options = [] } = this.#extra;
    const places = ["--address", address, "--root", join(folder, "root"), "--state", join(folder, "state")];
    const log = openSync(join(folder, "tsrund.log"), "a");
    this.#child = Bun.spawn({
      cmd: [...within, this.#program, ...places, ...options],
      ...(within.length === 0 ? { argv0: "tsrund" } : {}),
      env: { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
      stdio: ["ignore", log, log],
    });
    const version = ["ctr", "--address", address, "version"];
    await waitUntil("answer of tsrund", async () => (await run(version, { scratch: folder })).status === 0);
  }

  /** Ends the daemon; shims live on. Gives its exit status. */
  async stop(signal: NodeJS.Signals): Promise<number | null> {
    this.#child?.kill(signal);
    await this.#child?.exited;
    const status = this.#child?.exitCode ?? null;
    this.#child = undefined;
    return status;
  }
}
