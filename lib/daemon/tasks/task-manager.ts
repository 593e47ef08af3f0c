import { containerd, google } from "../../../proto/gen/daemon.js";
import { ContainerError, explain } from "../../errors.ts";
import type { Kernel } from "../../linux/kernel.ts";
import type { Background } from "../background.ts";
import type { Clock } from "../clock.ts";
import type { EventBus } from "../events/event-bus.ts";
import { toTimestamp } from "../messages.ts";
import type { Container, TypedBytes } from "../metadata/containers.ts";
import { alreadyExists, notFound } from "../names.ts";
import type { Mount } from "../snapshots/driver.ts";
import {
  type Bundle,
  createBundle,
  findAddress,
  findShimCommand,
  listBundles,
  locateBundle,
  removeBundle,
  type ShimCommand,
  type TaskRoots,
  writeShimCommand,
} from "./bundle.ts";
import { type DaemonAddresses, deleteByShim, parseAddress, type Remains, startShim } from "./call-shim.ts";
import { Shim } from "./shim.ts";
import { findShim, type RuntimeSettings } from "./shim-command.ts";
import { ShimLog } from "./shim-log.ts";

export interface TaskManagerParts {
  readonly kernel: Kernel;
  readonly roots: TaskRoots;
  readonly addresses: DaemonAddresses;
  readonly runtimes: RuntimeSettings;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly networks: TaskNetworks;
  readonly background: Background;
  readonly warn: (message: string) => void;
  /** Takes what is of use to those alone who look for a fault. */
  readonly tell: (message: string) => void;
}

/** The networks of containers, as far as tasks have to do with them. */
export interface TaskNetworks {
  /** Makes what a container asks for. Gives the config.json of its task. @throws {ContainerError} with nothing left */
  attach(namespace: string, container: Container): Promise<Uint8Array>;
  /** Removes it; where there is nothing, nothing is done. @throws {ContainerError} */
  release(owner: { readonly namespace: string; readonly id: string }): Promise<void>;
}

/** What a task is created with. */
export interface NewTask {
  readonly rootfs: readonly Mount[];
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
  readonly options?: TypedBytes | undefined;
  /** A shim in place of that of the container's runtime; "" for none. */
  readonly runtimePath: string;
}

/** A container that has a shim. */
export interface Task {
  readonly bundle: Bundle;
  readonly shim: Shim;
  readonly pid: number;
}

interface Entry extends Task {
  readonly command: ShimCommand;
  readonly log: ShimLog;
  /** The first process has ended and everybody was told. */
  hasExited: boolean;
  /** Its removal has begun: that the shim ends is no surprise. */
  isLeaving: boolean;
}

const SIGKILL_STATUS = 137;

/** tasks.proto: the tasks of all namespaces. Shims outlive this process, and are found again by their bundles. */
export class TaskManager {
  readonly #parts: TaskManagerParts;
  readonly #tasks = new Map<string, Entry>();
  readonly #reserved = new Set<string>();

  constructor(parts: TaskManagerParts) {
    this.#parts = parts;
    parts.events.listen(({ namespace, topic, event }) => {
      if (topic === "/tasks/exit") this.#noteExit(namespace, event.value);
    });
  }

  /** @throws {ContainerError} not_found */
  get(namespace: string, id: string): Task {
    return this.#get(namespace, id);
  }

  has(namespace: string, id: string): boolean {
    return this.#tasks.has(keyOf(namespace, id));
  }

  list(namespace: string): readonly Task[] {
    return [...this.#tasks.values()].filter((task) => task.bundle.namespace === namespace);
  }

  /** Starts a shim and creates the container in it. @throws {ContainerError} already_exists, and those of the shim */
  async create(namespace: string, container: Container, wanted: NewTask): Promise<Task> {
    const key = keyOf(namespace, container.id);
    if (this.#tasks.has(key) || this.#reserved.has(key)) throw alreadyExists(`task ${container.id}`);
    this.#reserved.add(key);
    try {
      return await this.#create(namespace, container, wanted);
    } finally {
      this.#reserved.delete(key);
    }
  }

  /** Removes a task that has ended, or was never started. @throws {ContainerError} those of the shim */
  async delete(namespace: string, id: string) {
    const entry = this.#get(namespace, id);
    const ended = await entry.shim.delete("");
    entry.isLeaving = true;
    await this.#dismiss(entry);
    return ended;
  }

  /** Finds the shims of a process before this one; removes what is left of those that have ended. */
  async restore(): Promise<void> {
    await Promise.all(listBundles(this.#parts.roots).map((bundle) => this.#restore(bundle)));
  }

  /** Lets go of all shims; they live on. */
  close(): void {
    for (const entry of this.#tasks.values()) {
      entry.isLeaving = true;
      entry.shim.close();
      entry.log.close();
    }
    this.#tasks.clear();
  }

  #get(namespace: string, id: string): Entry {
    const entry = this.#tasks.get(keyOf(namespace, id));
    if (entry === undefined) throw notFound(`task ${id}`);
    return entry;
  }

  async #create(namespace: string, container: Container, wanted: NewTask): Promise<Task> {
    const { roots, runtimes, networks } = this.#parts;
    const runtime = wanted.runtimePath === "" ? container.runtime.name : wanted.runtimePath;
    const command = findShim(runtimes, runtime);
    const bundle = locateBundle(roots, namespace, container.id);
    const config = await networks.attach(namespace, container);
    try {
      createBundle(bundle, config);
      return await this.#createIn({ bundle, command }, container, wanted);
    } catch (error) {
      await this.#releaseNetworks(bundle);
      throw error;
    }
  }

  async #createIn(
    { bundle, command }: Pick<Entry, "bundle" | "command">,
    container: Container,
    wanted: NewTask,
  ): Promise<Task> {
    const { kernel } = this.#parts;
    let log: ShimLog | undefined;
    try {
      writeShimCommand(bundle, command);
      log = ShimLog.open(kernel, bundle, this.#parts);
      return await this.#launch({ bundle, command, log }, wanted, wanted.options ?? container.runtime.options);
    } catch (error) {
      log?.close();
      this.#removeBundle(bundle);
      throw error;
    }
  }

  async #launch(
    { bundle, command, log }: Pick<Entry, "bundle" | "command" | "log">,
    { rootfs, stdin, stdout, stderr, terminal }: NewTask,
    options: TypedBytes | undefined,
  ): Promise<Task> {
    const { addresses } = this.#parts;
    const encoded = options === undefined ? new Uint8Array() : encodeAny(options);
    const shim = await Shim.open(bundle.id, await startShim(command, bundle, { addresses, options: encoded }));
    try {
      const io = { stdin, stdout, stderr, terminal };
      const { pid } = await createInShim(shim, {
        bundle: bundle.path,
        rootfs,
        ...io,
        ...(options === undefined ? {} : { options }),
      });
      return this.#adopt({ bundle, command, log, shim, pid, hasExited: false, isLeaving: false });
    } catch (error) {
      await shim.shutdown();
      shim.close();
      throw error;
    }
  }

  #adopt(entry: Entry): Task {
    const { background } = this.#parts;
    this.#tasks.set(keyOf(entry.bundle.namespace, entry.bundle.id), entry);
    background.watch(async () => {
      await entry.shim.ended;
      if (!entry.isLeaving) await this.#bury(entry);
    });
    return entry;
  }

  async #restore(bundle: Bundle): Promise<void> {
    const { kernel } = this.#parts;
    const command = findShimCommand(bundle);
    const log = ShimLog.open(kernel, bundle, this.#parts);
    const found = await this.#reach(bundle);
    if (found !== undefined && command !== undefined) {
      this.#adopt({ bundle, command, log, ...found, isLeaving: false });
      return;
    }
    log.close();
    found?.shim.close();
    await this.#clear(bundle, command, { hasExited: false });
  }

  /** The shim of a bundle, when it lives and has a task. */
  async #reach(bundle: Bundle): Promise<Pick<Entry, "shim" | "pid" | "hasExited"> | undefined> {
    const address = findAddress(bundle);
    if (address === undefined) return undefined;
    let shim: Shim | undefined;
    try {
      shim = await Shim.open(bundle.id, parseAddress(address));
      const { pid, status } = await shim.state("");
      return { shim, pid, hasExited: status === containerd.v1.types.Status.STOPPED };
    } catch (error) {
      this.#parts.warn(`cannot take task ${bundle.id} in namespace ${bundle.namespace} over: ${explain(error)}`);
      await shim?.shutdown();
      shim?.close();
      return undefined;
    }
  }

  /** The shim has ended without having been asked to. */
  async #bury(entry: Entry): Promise<void> {
    const { bundle, command, hasExited } = entry;
    this.#parts.warn(`the shim of task ${bundle.id} in namespace ${bundle.namespace} has ended`);
    entry.isLeaving = true;
    entry.log.close();
    await this.#clear(bundle, command, { hasExited, pid: entry.pid });
    await this.#releaseNetworks(bundle);
    this.#tasks.delete(keyOf(bundle.namespace, bundle.id));
  }

  /** Lets the shim's executable remove what is left, and says what its shim cannot say any more. */
  async #clear(
    bundle: Bundle,
    command: ShimCommand | undefined,
    { hasExited, pid = 0 }: { readonly hasExited: boolean; readonly pid?: number },
  ): Promise<void> {
    const { addresses, clock, warn } = this.#parts;
    let remains: Remains = { pid, exitStatus: SIGKILL_STATUS, exitedNs: undefined };
    try {
      if (command !== undefined) remains = await deleteByShim(command, bundle, addresses);
    } catch (error) {
      warn(explain(error));
    }
    const { namespace, id } = bundle;
    const exit = {
      ...{ containerId: id, id, pid: remains.pid === 0 ? pid : remains.pid, exitStatus: remains.exitStatus },
      exitedAt: toTimestamp(remains.exitedNs ?? clock()),
    };
    const { events } = this.#parts;
    if (!hasExited) {
      events.tell(namespace, "/tasks/exit", "containerd.events.TaskExit", containerd.events.TaskExit, exit);
    }
    events.tell(namespace, "/tasks/delete", "containerd.events.TaskDelete", containerd.events.TaskDelete, exit);
    this.#removeBundle(bundle);
  }

  async #dismiss(entry: Entry): Promise<void> {
    const { bundle, shim, log } = entry;
    await shim.shutdown();
    shim.close();
    log.close();
    this.#removeBundle(bundle);
    await this.#releaseNetworks(bundle);
    this.#tasks.delete(keyOf(bundle.namespace, bundle.id));
  }

  async #releaseNetworks(bundle: Bundle): Promise<void> {
    try {
      await this.#parts.networks.release(bundle);
    } catch (error) {
      this.#parts.warn(explain(error));
    }
  }

  #removeBundle(bundle: Bundle): void {
    try {
      removeBundle(this.#parts.kernel, bundle);
    } catch (error) {
      this.#parts.warn(explain(error));
    }
  }

  #noteExit(namespace: string, value: Uint8Array): void {
    const { containerId, id } = containerd.events.TaskExit.decode(value);
    const entry = this.#tasks.get(keyOf(namespace, containerId));
    if (entry !== undefined && id === containerId) entry.hasExited = true;
  }
}

function keyOf(namespace: string, id: string): string {
  return `${namespace}/${id}`;
}

function encodeAny(any: TypedBytes): Uint8Array {
  return google.protobuf.Any.encode(any).finish();
}

/** Clients and their users know what comes after these words. */
async function createInShim(shim: Shim, request: Parameters<Shim["create"]>[0]) {
  try {
    return await shim.create(request);
  } catch (error) {
    throw createFailed(error);
  }
}

function createFailed(cause: unknown): ContainerError {
  const code = cause instanceof ContainerError ? cause.code : "internal";
  return new ContainerError(code, "failed to create shim task", { cause });
}
