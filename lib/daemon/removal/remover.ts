import { containerd } from "../../../proto/gen/daemon.js";
import { ContainerError, explain } from "../../errors.ts";
import { Background } from "../background.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { Store } from "../store.ts";
import type { TaskManager } from "../tasks/task-manager.ts";

/** The label of a container that is removed when its task has ended; `true`. */
export const REMOVAL_LABEL = "tsrun.dev/rm";

interface RemoverParts {
  readonly store: Store;
  readonly tasks: TaskManager;
  readonly events: EventBus;
  /** This executable, and the socket on which the daemon is asked. */
  readonly program: string;
  readonly address: string;
  readonly warn: (message: string) => void;
}

/** Each is a process, and there may be many that end at once. */
const MAX_AT_ONCE = 4;
const LIMIT_MS = 120_000;
const { Status } = containerd.v1.types;

interface Candidate {
  readonly namespace: string;
  readonly id: string;
}

/**
 * Removes containers whose label asks for it when their tasks have ended, also those that ended while there was no daemon.
 * What there is to remove besides the record and the snapshot, such as logs and volumes, the client has made and knows: it
 * is called by its name, `tsctr rm`.
 */
export class Remover {
  readonly #parts: RemoverParts;
  readonly #background: Background;
  readonly #waiting: Candidate[] = [];
  #stopListening: (() => void) | undefined;
  #running = 0;

  constructor(parts: RemoverParts) {
    this.#parts = parts;
    this.#background = new Background((error) => parts.warn(explain(error)));
  }

  /** Looks now at all, and from now on at whatever ends. To be called when the daemon can be asked. */
  start(): void {
    const { events, store } = this.#parts;
    this.#stopListening = events.listen(({ namespace, topic, event }) => {
      if (topic !== "/tasks/exit") return;
      const { containerId, id } = containerd.events.TaskExit.decode(event.value);
      if (id === containerId) this.#consider({ namespace, id });
    });
    for (const { name: namespace } of store.namespaces.list()) {
      for (const { id } of store.containers.walk(namespace, [`labels."${REMOVAL_LABEL}"==true`])) {
        this.#background.run(async () => {
          if (await this.#hasEnded({ namespace, id })) this.#consider({ namespace, id });
        });
      }
    }
  }

  /** Begins nothing more, and waits some time for what has begun; the next daemon does the rest. */
  async stop(graceMs: number): Promise<void> {
    this.#stopListening?.();
    this.#waiting.length = 0;
    await Promise.race([this.#background.idle(), Bun.sleep(graceMs)]);
  }

  #consider(candidate: Candidate): void {
    if (!this.#wants(candidate)) return;
    this.#waiting.push(candidate);
    this.#goOn();
  }

  #goOn(): void {
    while (this.#running < MAX_AT_ONCE) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#running++;
      this.#background.run(async () => {
        await this.#remove(next).finally(() => {
          this.#running--;
          this.#goOn();
        });
      });
    }
  }

  #wants({ namespace, id }: Candidate): boolean {
    return this.#parts.store.containers.find(namespace, id)?.labels.get(REMOVAL_LABEL) === "true";
  }

  /** One that has no task has lost it with the machine: its client is not there any more to give it one. */
  async #hasEnded({ namespace, id }: Candidate): Promise<boolean> {
    const { tasks } = this.#parts;
    if (tasks.isBeingMade(namespace, id)) return false;
    return !tasks.has(namespace, id) || (await tasks.get(namespace, id).shim.state("")).status === Status.STOPPED;
  }

  async #remove({ namespace, id }: Candidate): Promise<void> {
    const { program, address } = this.#parts;
    const words = ["--address", address, "--namespace", namespace, "rm", "--exact", "--volumes", "--", id];
    const child = Bun.spawn({
      ...{ cmd: [program, ...words], argv0: "tsctr", cwd: "/", env: { PATH: process.env["PATH"] ?? "" } },
      ...{ stdin: "ignore", stdout: "ignore", stderr: "pipe", detached: true },
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
    const [why, status] = await Promise.all([child.stderr.text(), child.exited]);
    clearTimeout(timer);
    // Somebody else may have removed it, or wants to keep it by now.
    if (status === 0 || !this.#wants({ namespace, id })) return;
    const doing = `cannot remove container ${id} in namespace ${namespace}, as its label ${REMOVAL_LABEL} has it`;
    throw new ContainerError("internal", `${doing}: ${why.trim() || `status ${status}`}`);
  }
}
