import { ContainerError } from "../../errors.ts";
import type { Bundle, ShimCommand } from "./bundle.ts";
import type { DaemonAddresses } from "./call-shim.ts";

type Child = Bun.Subprocess<"pipe", "pipe", "ignore">;

/** Room for the command line that a shim gives itself when it has a task. */
const PADDING = " ".repeat(512);
const ASSIGN_MS = 30_000;
/** A short task has ended by then. */
const REFILL_MS = 25;

/** Shims that are started before they are needed: what is loaded already is not waited for. */
export class StandbyShims {
  readonly #command: ShimCommand;
  readonly #addresses: DaemonAddresses;
  readonly #wanted: number;
  readonly #idle: Child[] = [];
  #refill: Timer | undefined;

  /** Only shims of ours know how to wait: `command` is theirs. `wanted` is how many. */
  constructor(command: ShimCommand, addresses: DaemonAddresses, wanted: number) {
    this.#command = command;
    this.#addresses = addresses;
    this.#wanted = wanted;
  }

  /**
   * Gives a bundle to a shim that waits, or to one that is started for it: that is one program less than `start`, which
   * starts the shim and ends. Returns what it answers, as that of `start`; undefined for a shim that is none of ours, and when
   * it has ended. @throws {ContainerError} as the shim has refused
   */
  async assign(command: ShimCommand, bundle: Bundle, options: Uint8Array): Promise<string | undefined> {
    const child = command === this.#command ? (this.#idle.shift() ?? this.#tryToSpawn()) : undefined;
    if (child === undefined) return undefined;
    const { id, namespace, path } = bundle;
    const line = JSON.stringify({ id, namespace, bundle: path, options: options.toBase64() });
    const timer = setTimeout(() => child.kill("SIGKILL"), ASSIGN_MS);
    try {
      child.stdin.write(`${line}\n`);
      await child.stdin.end();
      return parseAnswer(await child.stdout.text());
    } catch (error) {
      if (error instanceof ContainerError) throw error;
      child.kill("SIGKILL");
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Starts as many as are missing, in a while: who has just had a task made wants it started, and processors are few. */
  refillSoon(): void {
    this.#refill ??= setTimeout(() => {
      this.#refill = undefined;
      this.#fill();
    }, REFILL_MS);
  }

  #fill(): void {
    while (this.#idle.length < this.#wanted) {
      const child = this.#tryToSpawn();
      if (child === undefined) return;
      this.#idle.push(child);
    }
  }

  /** Lets those go that wait. */
  close(): void {
    clearTimeout(this.#refill);
    for (const child of this.#idle.splice(0)) child.kill("SIGKILL");
  }

  /** Undefined on a machine that has no room for another process: who needs it is told why by the way of `start`. */
  #tryToSpawn(): Child | undefined {
    try {
      return this.#spawn();
    } catch {
      return undefined;
    }
  }

  #spawn(): Child {
    const { program, name } = this.#command;
    const { grpc, ttrpc, debug } = this.#addresses;
    const child: Child = Bun.spawn({
      cmd: [program, "-address", grpc, ...(debug ? ["-debug"] : []), "standby", PADDING],
      argv0: name,
      cwd: "/",
      env: { PATH: process.env["PATH"] ?? "", TTRPC_ADDRESS: ttrpc },
      stdio: ["pipe", "pipe", "ignore"],
      // Signals to the daemon's group are not meant for what it starts.
      detached: true,
    });
    child.unref();
    child.exited.then(
      () => this.#forget(child),
      () => this.#forget(child),
    );
    return child;
  }

  #forget(child: Child): void {
    const index = this.#idle.indexOf(child);
    if (index >= 0) this.#idle.splice(index, 1);
  }
}

/** @throws {ContainerError} internal, with what the shim says; {SyntaxError} for one that has ended */
function parseAnswer(text: string): string {
  const answer: unknown = JSON.parse(text);
  if (typeof answer !== "object" || answer === null) throw new SyntaxError("no answer");
  if ("address" in answer) return String(answer.address);
  throw new ContainerError("internal", "error" in answer ? String(answer.error) : "no address");
}
