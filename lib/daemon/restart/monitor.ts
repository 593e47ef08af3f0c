import { containerd } from "../../../proto/gen/daemon.js";
import { ContainerError, explain } from "../../errors.ts";
import { Background } from "../background.ts";
import type { Clock } from "../clock.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { Container } from "../metadata/containers.ts";
import type { Store } from "../store.ts";
import type { Task, TaskManager } from "../tasks/task-manager.ts";
import { BackOff } from "./back-off.ts";
import { parseRestartLabels, RESTART_LABELS, type RestartWish } from "./labels.ts";

export interface RestartSettings {
  /** How often is looked. */
  readonly intervalMs: number;
}

interface MonitorParts {
  readonly settings: RestartSettings;
  readonly store: Store;
  readonly tasks: TaskManager;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly warn: (message: string) => void;
}

const FILTER = [`labels."${RESTART_LABELS.status}"`];
const SIGKILL = 9;
const { Status } = containerd.v1.types;

/** Keeps the tasks of containers what their labels say they are to be: it looks, every so often, and acts. */
export class RestartMonitor {
  readonly #parts: MonitorParts;
  readonly #backOff: BackOff;
  readonly #background: Background;
  readonly #busy = new Set<string>();
  #lastLookNs: bigint;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isEnding = false;

  constructor(parts: MonitorParts) {
    this.#parts = parts;
    this.#backOff = new BackOff(parts.settings.intervalMs);
    this.#background = new Background((error) => parts.warn(explain(error)));
    this.#lastLookNs = parts.clock();
  }

  /** Looks now, and from now on. */
  start(): void {
    this.#look();
    if (!this.#isEnding) this.#timer = setTimeout(() => this.start(), this.#parts.settings.intervalMs);
  }

  /** Begins nothing more, and waits some time for what has begun. */
  async stop(graceMs: number): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#timer);
    await Promise.race([this.#background.idle(), Bun.sleep(graceMs)]);
  }

  #look(): void {
    const { store, clock, tasks } = this.#parts;
    const sinceNs = this.#lastLookNs;
    this.#lastLookNs = clock();
    const seen = new Set<string>();
    for (const { name: namespace } of store.namespaces.list()) {
      for (const container of store.containers.walk(namespace, FILTER)) {
        const key = `${namespace}/${container.id}`;
        seen.add(key);
        // One without a task that is so new may be about to get its first one from its client.
        const isNew = container.createdNs > sinceNs && !tasks.has(namespace, container.id);
        if (this.#busy.has(key) || isNew || tasks.isBeingMade(namespace, container.id)) continue;
        this.#busy.add(key);
        this.#background.run(async () => {
          await this.#settle(namespace, container, key).finally(() => this.#busy.delete(key));
        });
      }
    }
    this.#backOff.keep(seen);
  }

  async #settle(namespace: string, container: Container, key: string): Promise<void> {
    try {
      const wish = parseRestartLabels(container.labels);
      if (wish === undefined) return;
      const { tasks } = this.#parts;
      const task = tasks.has(namespace, container.id) ? tasks.get(namespace, container.id) : undefined;
      if (wish.status === "running") await this.#keepRunning({ namespace, container, task, wish, key });
      else if (task !== undefined) await this.#end(namespace, container.id, task);
    } catch (error) {
      const doing = `cannot restart container ${container.id} in namespace ${namespace}`;
      if (!this.#isEnding) this.#parts.warn(`${doing}: ${explain(error)}`);
    }
  }

  async #keepRunning({ namespace, container, task, wish, key }: Candidate): Promise<void> {
    const { exitStatus, status } = task === undefined ? GONE : await task.shim.state("");
    const isOver = status === Status.STOPPED || status === Status.UNKNOWN;
    if (!(isOver && wish.restartsAfter(exitStatus) && this.#backOff.isDue(key, performance.now()))) return;
    this.#backOff.note(key, performance.now());
    const { tasks } = this.#parts;
    if (task !== undefined) await tasks.delete(namespace, container.id);
    this.#count(namespace, container, wish.count + 1);
    const created = await tasks.create(namespace, container, this.#newTask(namespace, container, wish));
    try {
      await created.shim.start("");
    } catch (error) {
      await tasks.delete(namespace, container.id);
      throw error;
    }
  }

  #newTask(namespace: string, { snapshotter, snapshotKey, spec }: Container, { output }: RestartWish) {
    const rootfs = snapshotKey === "" ? [] : this.#parts.store.snapshotter(snapshotter).mounts(namespace, snapshotKey);
    const terminal = hasTerminal(spec.value);
    // A terminal has one stream.
    return { rootfs, stdin: "", stdout: output, stderr: terminal ? "" : output, terminal, runtimePath: "" };
  }

  /** Writes down that a container is started once more. */
  #count(namespace: string, container: Container, count: number): void {
    const { store, events } = this.#parts;
    const labels = new Map([...container.labels, [RESTART_LABELS.count, String(count)]]);
    const { id, image, snapshotKey } = store.containers.update(namespace, { ...container, labels }, [
      `labels.${RESTART_LABELS.count}`,
    ]);
    events.tell(
      ...([namespace, "/containers/update", "containerd.events.ContainerUpdate"] as const),
      ...([containerd.events.ContainerUpdate, { id, image, snapshotKey, labels: Object.fromEntries(labels) }] as const),
    );
  }

  /** It is to be stopped, and was not, or not removed. */
  async #end(namespace: string, id: string, { shim }: Task): Promise<void> {
    const { status } = await shim.state("");
    if (status !== Status.STOPPED) {
      await shim.kill({ execId: "", signal: SIGKILL, all: true });
      await shim.wait("");
      await this.#parts.tasks.delete(namespace, id);
    }
  }
}

interface Candidate {
  readonly namespace: string;
  readonly container: Container;
  readonly task: Task | undefined;
  readonly wish: RestartWish;
  readonly key: string;
}

/** A container without a task: how its last one ended is not known, and taken for a success. */
const GONE = { status: Status.UNKNOWN, exitStatus: 0 };

/** Whether a config.json asks for a terminal. */
function hasTerminal(config: Uint8Array): boolean {
  try {
    return JSON.parse(new TextDecoder().decode(config))?.process?.terminal === true;
  } catch (error) {
    throw notJson(error);
  }
}

function notJson(cause: unknown): ContainerError {
  return new ContainerError("invalid_argument", "cannot understand config.json", { cause });
}
