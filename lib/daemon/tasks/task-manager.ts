import { containerd, google } from "../../../proto/gen/daemon.js";
import { explain } from "../../errors.ts";
import { toTimestamp } from "../messages.ts";
import type { Container } from "../metadata/containers.ts";
import type { TypedBytes } from "../metadata/typed-bytes.ts";
import { alreadyExists, notFound } from "../names.ts";
import {
  type Bundle,
  checkpointDirectory,
  createBundle,
  findAddress,
  findShimCommand,
  listBundles,
  locateBundle,
  removeBundle,
  type ShimCommand,
  writeShimCommand,
} from "./bundle.ts";
import { deleteByShim, parseAddress, type Remains, startShim } from "./call-shim.ts";
import { createInShim } from "./create-in-shim.ts";
import type { NewTask, TaskManagerParts } from "./parts.ts";
import { type Adopted, Shim } from "./shim.ts";
import { findShim } from "./shim-command.ts";
import { ShimLog } from "./shim-log.ts";
import { StandbyShims } from "./standby.ts";
import { canBeTakenOver, FirstProcess, takeOver } from "./take-over.ts";

/** A container that has a shim. */
export interface Task {
  readonly bundle: Bundle;
  readonly shim: Shim;
  readonly pid: number;
  readonly process: FirstProcess;
  /** Its shim is one of ours. */
  readonly isOurs: boolean;
}

interface Entry extends Task {
  readonly command: ShimCommand;
  readonly log: ShimLog;
  /** When another shim took it over, by performance.now(). */
  takenOverMs: number;
  /** The first process has ended and everybody was told. */
  hasExited: boolean;
  /** Everybody was told that it was started. */
  hasStarted: boolean;
  /** Its removal has begun: that the shim ends is no surprise. */
  isLeaving: boolean;
}

const SIGKILL_STATUS = 137;
/** A shim that ends again and again, for want of memory perhaps, is not started at once each time. */
const BETWEEN_SHIMS_MS = 1_000;

/** tasks.proto: the tasks of all namespaces. Shims outlive this process, and are found again by their bundles. */
export class TaskManager {
  readonly #parts: TaskManagerParts;
  readonly #tasks = new Map<string, Entry>();
  readonly #reserved = new Set<string>();
  readonly #standby: StandbyShims;

  constructor(parts: TaskManagerParts) {
    this.#parts = parts;
    this.#standby = new StandbyShims(parts.runtimes.own, parts.addresses, parts.idleShims);
    parts.events.listen(({ namespace, topic, event }) => {
      if (topic === "/tasks/exit") this.#noteExit(namespace, event.value);
      if (topic === "/tasks/start") this.#noteStart(namespace, event.value);
    });
  }

  /** @throws {ContainerError} not_found */
  get(namespace: string, id: string): Task {
    return this.#get(namespace, id);
  }

  has(namespace: string, id: string): boolean {
    return this.#tasks.has(keyOf(namespace, id));
  }

  /** Whether somebody is about to have a task made. */
  isBeingMade(namespace: string, id: string): boolean {
    return this.#reserved.has(keyOf(namespace, id));
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
      this.#standby.refillSoon();
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

  /** Finds the shims of a process before this one; removes what is left of those that have ended. Gives whether there were any. */
  async restore(): Promise<boolean> {
    const bundles = listBundles(this.#parts.roots);
    await Promise.all(bundles.map((bundle) => this.#restore(bundle)));
    return bundles.length > 0;
  }

  /** Lets go of all shims; they live on. */
  close(): void {
    this.#standby.close();
    for (const entry of this.#tasks.values()) {
      entry.isLeaving = true;
      entry.shim.close();
      entry.log.close();
      entry.process.close();
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
    { rootfs, stdin, stdout, stderr, terminal, restore }: NewTask,
    options: TypedBytes | undefined,
  ): Promise<Task> {
    const checkpoint = restore === undefined ? "" : checkpointDirectory(bundle);
    await restore?.(checkpoint);
    const { addresses } = this.#parts;
    const encoded = options === undefined ? new Uint8Array() : google.protobuf.Any.encode(options).finish();
    const standby = this.#standby;
    const shim = await Shim.open(bundle.id, await startShim(command, bundle, { addresses, options: encoded, standby }));
    try {
      const io = { stdin, stdout, stderr, terminal };
      const { pid } = await createInShim(shim, {
        ...{ bundle: bundle.path, rootfs, checkpoint },
        ...io,
        ...(options === undefined ? {} : { options }),
      });
      return this.#adopt({ bundle, command, log, shim, pid, hasExited: false });
    } catch (error) {
      await shim.shutdown();
      // One that ended in the midst of it has removed nothing.
      if (shim.hasEnded) await this.#removeRemains(command, bundle);
      shim.close();
      throw error;
    }
  }

  #adopt(found: Adopted & Pick<Entry, "bundle" | "command" | "log">): Task {
    const { background, kernel, runtimes } = this.#parts;
    const process = new FirstProcess(kernel, found.hasExited ? 0 : found.pid);
    const { program, name } = found.command;
    const entry: Entry = {
      ...found,
      process,
      isOurs: program === runtimes.own.program && name === runtimes.own.name,
      takenOverMs: Number.NEGATIVE_INFINITY,
      hasStarted: false,
      isLeaving: false,
    };
    this.#tasks.set(keyOf(entry.bundle.namespace, entry.bundle.id), entry);
    background.watch(async () => {
      for (;;) {
        await entry.shim.ended;
        if (entry.isLeaving) return;
        if (!(await this.#replaceShim(entry))) break;
      }
      await this.#bury(entry);
    });
    return entry;
  }

  /** Starts another shim for a task, which then goes on as if nothing had been. False when that cannot be. */
  async #replaceShim(entry: Entry): Promise<boolean> {
    const { bundle, command, shim, process, takenOverMs } = entry;
    const { addresses, clock, warn } = this.#parts;
    warn(`the shim of task ${bundle.id} in namespace ${bundle.namespace} has ended`);
    if (!canBeTakenOver(bundle)) return false;
    await Bun.sleep(Math.max(0, takenOverMs + BETWEEN_SHIMS_MS - performance.now()));
    // Left alone meanwhile: the next supervisor finds it.
    if (entry.isLeaving) return true;
    try {
      const known = {
        exitStatus: process.exitStatus,
        nowNs: clock(),
        hasExited: entry.hasExited,
        hasStarted: entry.hasStarted,
      };
      shim.become(await takeOver({ bundle, command, addresses }, known));
      entry.takenOverMs = performance.now();
      return true;
    } catch (error) {
      warn(`cannot take task ${bundle.id} over: ${explain(error)}`);
      return false;
    }
  }

  async #restore(bundle: Bundle): Promise<void> {
    const { kernel } = this.#parts;
    const command = findShimCommand(bundle);
    const log = ShimLog.open(kernel, bundle, this.#parts);
    const found =
      command === undefined ? undefined : ((await this.#reach(bundle)) ?? (await this.#revive(bundle, command)));
    if (found !== undefined && command !== undefined) {
      this.#adopt({ bundle, command, log, ...found });
      return;
    }
    log.close();
    await this.#clear(bundle, command, { hasExited: false });
  }

  /** The shim of a bundle, when it lives and has a task. */
  async #reach(bundle: Bundle): Promise<Adopted | undefined> {
    const address = findAddress(bundle);
    if (address === undefined) return undefined;
    let shim: Shim | undefined;
    try {
      shim = await Shim.open(bundle.id, parseAddress(address));
      const { pid, status } = await shim.stateWhenMade();
      return { shim, pid, hasExited: status === containerd.v1.types.Status.STOPPED };
    } catch (error) {
      this.#parts.warn(`cannot reach the shim of ${bundle.id} in namespace ${bundle.namespace}: ${explain(error)}`);
      await shim?.end();
      return undefined;
    }
  }

  /** Another shim for a task whose own has ended while no supervisor was there to see it. */
  async #revive(bundle: Bundle, command: ShimCommand): Promise<Adopted | undefined> {
    const { addresses, clock, warn } = this.#parts;
    if (!canBeTakenOver(bundle)) return undefined;
    try {
      return await takeOver(
        { bundle, command, addresses },
        { exitStatus: undefined, nowNs: clock(), hasExited: false, hasStarted: false },
      );
    } catch (error) {
      warn(`cannot take task ${bundle.id} in namespace ${bundle.namespace} over: ${explain(error)}`);
      return undefined;
    }
  }

  /** The shim has ended without having been asked to, and nobody can take its task over. */
  async #bury(entry: Entry): Promise<void> {
    const { bundle, command, shim, hasExited, process } = entry;
    entry.isLeaving = true;
    entry.log.close();
    const exitStatus = process.exitStatus ?? SIGKILL_STATUS;
    process.close();
    await this.#clear(bundle, command, { hasExited, pid: entry.pid, exitStatus });
    await this.#releaseNetworks(bundle);
    this.#tasks.delete(keyOf(bundle.namespace, bundle.id));
    shim.close();
  }

  /** Lets the shim's executable remove what is left, and says what its shim cannot say any more. */
  async #clear(
    bundle: Bundle,
    command: ShimCommand | undefined,
    {
      hasExited,
      pid = 0,
      exitStatus,
    }: { readonly hasExited: boolean; readonly pid?: number; readonly exitStatus?: number },
  ): Promise<void> {
    const { clock, events } = this.#parts;
    const remains = command === undefined ? undefined : await this.#removeRemains(command, bundle);
    const { namespace, id } = bundle;
    const exit = {
      ...{ containerId: id, id, pid: remains?.pid || pid },
      exitStatus: exitStatus ?? remains?.exitStatus ?? SIGKILL_STATUS,
      exitedAt: toTimestamp(remains?.exitedNs ?? clock()),
    };
    if (!hasExited) {
      events.tell(namespace, "/tasks/exit", "containerd.events.TaskExit", containerd.events.TaskExit, exit);
    }
    events.tell(namespace, "/tasks/delete", "containerd.events.TaskDelete", containerd.events.TaskDelete, exit);
    this.#removeBundle(bundle);
  }

  /** Lets the shim's executable remove what a shim has left. */
  async #removeRemains(command: ShimCommand, bundle: Bundle): Promise<Remains | undefined> {
    try {
      return await deleteByShim(command, bundle, this.#parts.addresses);
    } catch (error) {
      this.#parts.warn(explain(error));
      return undefined;
    }
  }

  async #dismiss(entry: Entry): Promise<void> {
    const { bundle, shim, log } = entry;
    await shim.shutdown();
    shim.close();
    log.close();
    entry.process.close();
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

  #noteStart(namespace: string, value: Uint8Array): void {
    const entry = this.#tasks.get(keyOf(namespace, containerd.events.TaskStart.decode(value).containerId));
    if (entry !== undefined) entry.hasStarted = true;
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
