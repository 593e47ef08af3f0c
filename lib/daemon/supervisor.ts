import { chmodSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { containerd } from "../../proto/gen/daemon.js";
import { explain } from "../errors.ts";
import type { OwnedFd } from "../linux/fd.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { GrpcService } from "../rpc/grpc/method.ts";
import { GrpcServer } from "../rpc/grpc/server.ts";
import { serve, type TtrpcServer } from "../rpc/ttrpc/server.ts";
import { Background } from "./background.ts";
import { type Clock, systemClock } from "./clock.ts";
import { EventBus } from "./events/event-bus.ts";
import type { Collected } from "./gc/collector.ts";
import { layerSync } from "./layers/layer-sync.ts";
import { isAdmitted, listenAt } from "./listener.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { MetricsSettings } from "./metrics/metrics-server.ts";
import { type NetworkSettings, Networks } from "./networks/networks.ts";
import { writeNetworkStatus } from "./networks/status.ts";
import { Remover } from "./removal/remover.ts";
import { RestartMonitor, type RestartSettings } from "./restart/monitor.ts";
import { allServices } from "./services/all.ts";
import { shimEventServices } from "./services/events.ts";
import type { Collection } from "./services/parts.ts";
import type { Build } from "./services/version.ts";
import { Store } from "./store.ts";
import type { RuntimeSettings } from "./tasks/shim-command.ts";
import { TaskManager } from "./tasks/task-manager.ts";
import { DEFAULT_REGISTRY_SETTINGS, type RegistrySettings } from "./transfer/settings.ts";
import { uuidOf } from "./uuid.ts";

export interface SupervisorSettings {
  /** The path of the gRPC socket. That for shims is beside it, with `.ttrpc`. */
  readonly address: string;
  /** A listening socket that is there already; then `address` is only its name. */
  readonly listener?: OwnedFd | undefined;
  /** What outlives the machine's end, and what does not. */
  readonly root: string;
  readonly state: string;
  /** The group that may connect. */
  readonly gid: number;
  readonly runtimes: RuntimeSettings;
  /** How many shims are kept ready, once a task has been made. */
  readonly idleShims: number;
  readonly overlayOptions: readonly string[];
  /** Whether every layer is brought to the disk before it is said to be there. */
  readonly syncLayers: boolean;
  readonly networks: NetworkSettings;
  readonly registry?: RegistrySettings;
  readonly restart: RestartSettings;
  /** Undefined for none. */
  readonly metrics?: MetricsSettings | undefined;
  readonly build: Build;
  readonly debug: boolean;
  readonly warn: (message: string) => void;
  readonly tell: (message: string) => void;
}

const SOCKET_MODE = 0o660;
/** Go's clients of gRPC try again every three seconds. */
const COME_BACK_MS = 10_000;
const GRACE_MS = 2_000;

/** The daemon: everything it keeps, and the sockets by which it is asked. */
export class Supervisor {
  readonly #store: Store;
  readonly #events: EventBus;
  readonly #tasks: TaskManager;
  readonly #monitor: RestartMonitor;
  readonly #remover: Remover;
  readonly #metrics: Metrics | undefined;
  readonly #grpc: GrpcServer;
  readonly #ttrpc: TtrpcServer;
  readonly #settings: SupervisorSettings;

  private constructor(
    settings: SupervisorSettings,
    parts: {
      store: Store;
      events: EventBus;
      tasks: TaskManager;
      monitor: RestartMonitor;
      remover: Remover;
      metrics: Metrics | undefined;
      grpc: GrpcServer;
      ttrpc: TtrpcServer;
    },
  ) {
    this.#settings = settings;
    this.#store = parts.store;
    this.#events = parts.events;
    this.#tasks = parts.tasks;
    this.#monitor = parts.monitor;
    this.#remover = parts.remover;
    this.#metrics = parts.metrics;
    this.#grpc = parts.grpc;
    this.#ttrpc = parts.ttrpc;
  }

  /** Opens the store, finds the tasks again, and serves. @throws {ContainerError} */
  static async start(kernel: Kernel, settings: SupervisorSettings): Promise<Supervisor> {
    const { address, root, state } = settings;
    // What is kept is root's alone; below `state` the root of a user namespace has to reach its rootfs.
    mkdirSync(root, { recursive: true, mode: 0o700 });
    for (const path of [state, dirname(address)]) mkdirSync(path, { recursive: true, mode: 0o711 });
    const clock = systemClock();
    const events = new EventBus(clock);
    const store = openStore(kernel, settings, { clock, events });
    try {
      const networks = openNetworks(kernel, settings, store);
      const tasks = openTasks(kernel, settings, { clock, events, networks });
      const letGo = events.keep();
      // Shims that have waited for this process come first: what they tell belongs before all that follows.
      const ttrpc = serve(listenAt(kernel, ttrpcAddress(address)).release(), shimEventServices(events));
      setTimeout(letGo, (await tasks.restore()) ? COME_BACK_MS : 0).unref();
      await networks.restore((namespace, id) => tasks.has(namespace, id));
      const metrics = await openMetrics(settings, { store, tasks });
      const services = allServices({
        ...{ store, events, tasks, build: settings.build, root, uuid: uuidOf(root) },
        ...{ registry: settings.registry ?? DEFAULT_REGISTRY_SETTINGS, runtimes: settings.runtimes },
        pidNamespace: statSync("/proc/self/ns/pid").ino,
        collectGarbage: garbageCollection(store, events),
      });
      const grpc = openGrpc(kernel, settings, metrics?.meter(services) ?? services);
      store.collector.schedule();
      const monitor = new RestartMonitor({
        settings: settings.restart,
        store,
        tasks,
        events,
        clock,
        warn: settings.warn,
      });
      monitor.start();
      const { warn, runtimes } = settings;
      const remover = new Remover({ store, tasks, events, program: runtimes.own.program, address, warn });
      remover.start();
      return new Supervisor(settings, { store, events, tasks, monitor, remover, metrics, grpc, ttrpc });
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Ends what is asked of it, and itself; containers and their shims live on. */
  async stop(): Promise<void> {
    const { address, listener } = this.#settings;
    this.#events.close();
    const backgrounds = [this.#monitor.stop(GRACE_MS), this.#remover.stop(GRACE_MS)];
    await Promise.all([...backgrounds, this.#metrics?.stop(), this.#grpc.close(GRACE_MS)]);
    this.#ttrpc.stop();
    this.#tasks.close();
    await this.#store.close();
    rmSync(ttrpcAddress(address), { force: true });
    if (listener === undefined) rmSync(address, { force: true });
  }
}

function ttrpcAddress(address: string): string {
  return `${address}.ttrpc`;
}

function openGrpc(kernel: Kernel, settings: SupervisorSettings, services: readonly GrpcService[]): GrpcServer {
  const { address, listener, warn } = settings;
  // The group of a socket that somebody else has made is that of its file.
  const made = listener === undefined ? undefined : statSync(address, { throwIfNoEntry: false });
  const gid = made?.gid ?? settings.gid;
  const fd = (listener ?? openListener(kernel, address, gid)).release();
  return new GrpcServer(fd, services, { admit: (connection) => isAdmitted(kernel, connection, { gid, warn }) });
}

function openListener(kernel: Kernel, address: string, gid: number): OwnedFd {
  const listener = listenAt(kernel, address);
  // It was made with 0600: nobody has been let in before.
  kernel.call("fchownat", -100, address, 0, gid, 0);
  chmodSync(address, SOCKET_MODE);
  return listener;
}

interface Shared {
  readonly clock: Clock;
  readonly events: EventBus;
}

function openStore(kernel: Kernel, settings: SupervisorSettings, { clock, events }: Shared): Store {
  const { root, overlayOptions, syncLayers, runtimes, warn } = settings;
  return Store.open(kernel, {
    ...{ root, overlayOptions, clock, layerSync: layerSync(runtimes.own.program, syncLayers) },
    warn: (error) => warn(explain(error)),
    onCollected: (collected) => tellCollected(events, collected),
  });
}

function openNetworks(kernel: Kernel, settings: SupervisorSettings, store: Store): Networks {
  const { networks, root, state, runtimes, warn } = settings;
  const { program } = runtimes.own;
  const publish = writeNetworkStatus.bind(undefined, store.containers);
  return new Networks({ kernel, settings: networks, roots: { root, state }, program, warn, publish });
}

/** Most daemons are not asked for them. */
async function openMetrics(
  { metrics: settings, build, warn }: SupervisorSettings,
  parts: { readonly store: Store; readonly tasks: TaskManager },
): Promise<Metrics | undefined> {
  if (settings === undefined) return undefined;
  const loaded = await import("./metrics/metrics.ts");
  return new loaded.Metrics({ settings, build, warn: (error) => warn(explain(error)), ...parts });
}

function openTasks(
  kernel: Kernel,
  settings: SupervisorSettings,
  { clock, events, networks }: Shared & { readonly networks: Networks },
): TaskManager {
  const { address, root, state, runtimes, idleShims, debug, warn, tell } = settings;
  return new TaskManager({
    ...{ kernel, idleShims, roots: { root, state }, runtimes, events, clock, networks, warn, tell },
    background: new Background((error) => warn(explain(error))),
    addresses: { grpc: address, ttrpc: ttrpcAddress(address), publisher: runtimes.own.program, debug },
  });
}

/** As many deletions as containerd lets come together. What somebody has made by hand, without a lease, lives so long. */
const DELETIONS = 100;

function garbageCollection({ collector, content }: Store, events: EventBus): (when: Collection) => void {
  let deletions = 0;
  return (when) => {
    deletions += 1;
    // What has found no room is let go of: its space is wanted.
    if (when === "some time" && deletions < DELETIONS && !content.ingests.takeFull()) return;
    deletions = 0;
    if (when === "now") tellCollected(events, collector.collect());
    else collector.schedule();
  };
}

const payloads = containerd.events;

/** Tells what a collection has removed. */
function tellCollected(events: EventBus, { images, blobs, snapshots }: Collected): void {
  for (const { namespace, name } of images) {
    const { ImageDelete } = containerd.services.images.v1;
    events.tell(namespace, "/images/delete", "containerd.services.images.v1.ImageDelete", ImageDelete, { name });
  }
  for (const { namespace, name: digest } of blobs) {
    events.tell(namespace, "/content/delete", "containerd.events.ContentDelete", payloads.ContentDelete, { digest });
  }
  for (const { namespace, name: key, snapshotter } of snapshots) {
    const removed = { key, snapshotter };
    events.tell(namespace, "/snapshot/remove", "containerd.events.SnapshotRemove", payloads.SnapshotRemove, removed);
  }
}
