import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ContainerError } from "../errors.ts";
import type { OwnedFd } from "../linux/fd.ts";
import type { Kernel } from "../linux/kernel.ts";
import { syncFilesystem } from "../linux/sync.ts";
import { Background } from "./background.ts";
import { type Clock, systemClock } from "./clock.ts";
import { ContentStore } from "./content/content-store.ts";
import type { Sharing } from "./content/ingests.ts";
import type { Disagreement } from "./disagreement.ts";
import { type Collected, Collector } from "./gc/collector.ts";
import type { LayerSync } from "./layers/layer-sync.ts";
import { checkReferences } from "./metadata/check-references.ts";
import { ContainerStore } from "./metadata/containers.ts";
import { MetadataDatabase } from "./metadata/database.ts";
import { ImageStore } from "./metadata/images.ts";
import { LeaseStore } from "./metadata/leases.ts";
import { NamespaceStore } from "./metadata/namespaces.ts";
import { SandboxStore } from "./metadata/sandboxes.ts";
import { lockRoot } from "./root-lock.ts";
import { checkSnapshotOrphans, checkSnapshots, type SnapshotCheck } from "./snapshots/check.ts";
import type { SnapshotDriver } from "./snapshots/driver.ts";
import { nativeDriver } from "./snapshots/native.ts";
import { snapshotNumbers } from "./snapshots/numbers.ts";
import { overlayDriver } from "./snapshots/overlay.ts";
import { SnapshotStore } from "./snapshots/snapshot-store.ts";

/** Where the store is, and how it behaves. */
export interface StoreOptions {
  /** The directory that holds everything; made if it is not there. */
  readonly root: string;
  /** Told what goes wrong in work that nobody waits for. */
  readonly warn: (error: unknown) => void;
  readonly onCollected?: (collected: Collected) => void;
  readonly clock?: Clock;
  readonly sharing?: Sharing;
  /** Added to the mounts of overlayfs, e.g. `volatile`. */
  readonly overlayOptions?: readonly string[];
  /** How layers get to the disk; without, this process does it, and only for those who ask. */
  readonly layerSync?: LayerSync | undefined;
  /** What a crash has left is not removed: for who looks at it. */
  readonly keepOrphans?: boolean;
}

/** Everything that outlives the process: metadata, content and snapshots, of which this process is the only owner. */
export class Store implements AsyncDisposable {
  readonly kernel: Kernel;
  readonly namespaces: NamespaceStore;
  readonly containers: ContainerStore;
  readonly images: ImageStore;
  readonly leases: LeaseStore;
  readonly sandboxes: SandboxStore;
  readonly content: ContentStore;
  readonly snapshotters: ReadonlyMap<string, SnapshotStore>;
  readonly collector: Collector;
  readonly layerSync: LayerSync;
  readonly #lock: OwnedFd;
  readonly #database: MetadataDatabase;
  readonly #background: Background;
  readonly #snapshotChecks: readonly SnapshotCheck[];

  private constructor(kernel: Kernel, options: StoreOptions, lock: OwnedFd, database: MetadataDatabase) {
    const { root, warn, clock = systemClock(), overlayOptions = [], onCollected } = options;
    const { sharing = "shared", keepOrphans = false } = options;
    this.kernel = kernel;
    this.layerSync = options.layerSync ?? blockingSync(kernel);
    this.#lock = lock;
    this.#database = database;
    this.#background = new Background(warn);
    this.namespaces = new NamespaceStore(database);
    this.containers = new ContainerStore(database, this.namespaces, clock);
    this.images = new ImageStore(database, this.namespaces, clock);
    this.leases = new LeaseStore(database, this.namespaces, clock);
    this.sandboxes = new SandboxStore(database, this.namespaces, clock);
    const parts = { database, clock, namespaces: this.namespaces, leases: this.leases, background: this.#background };
    this.content = new ContentStore({ ...parts, root: join(root, "content"), sharing, keepOrphans });
    const drivers: readonly SnapshotDriver[] = [
      overlayDriver(kernel, { root: join(root, "snapshots/overlayfs"), extraOptions: overlayOptions }),
      nativeDriver(kernel, { root: join(root, "snapshots/native") }),
    ];
    const nextNumber = snapshotNumbers(database, drivers);
    this.#snapshotChecks = drivers.map((driver) => {
      return { database, driver, store: new SnapshotStore({ ...parts, driver, nextNumber, keepOrphans }) };
    });
    this.snapshotters = new Map(this.#snapshotChecks.map(({ driver, store }) => [driver.name, store]));
    this.collector = new Collector({
      ...{ database, clock, content: this.content, snapshotters: this.snapshotters, warn },
      onCollected: onCollected ?? (() => undefined),
    });
  }

  /**
   * Opens a store, made if it is not there, and removes what a crash has left.
   * @throws {ContainerError} failed_precondition while another process has it open; internal for a damaged database
   */
  static open(kernel: Kernel, options: StoreOptions): Store {
    mkdirSync(options.root, { recursive: true, mode: 0o700 });
    const lock = lockRoot(kernel, join(options.root, "lock"));
    let database: MetadataDatabase | undefined;
    try {
      const path = join(options.root, "metadata.db");
      database = MetadataDatabase.open(path);
      const faults = database.check();
      if (faults.length > 0) throw new ContainerError("internal", `${path} is damaged: ${faults.join("; ")}`);
      return new Store(kernel, options, lock, database);
    } catch (error) {
      database?.close();
      lock.close();
      throw error;
    }
  }

  /** The store of a snapshotter. @throws {ContainerError} invalid_argument */
  snapshotter(name: string): SnapshotStore {
    const store = this.snapshotters.get(name);
    if (store !== undefined) return store;
    const known = [...this.snapshotters.keys()].join(", ");
    throw new ContainerError("invalid_argument", `there is no snapshotter "${name}": must be one of ${known}`);
  }

  /** Compares the records with the disk, and with each other; with `readAll`, every byte of the content. */
  async *check(options: { readonly readAll: boolean }): AsyncGenerator<Disagreement> {
    for (const why of this.#database.check()) yield { what: "metadata.db", why };
    yield* this.content.check(options);
    for (const check of this.#snapshotChecks) yield* checkSnapshots(check);
    yield* checkReferences(this.#database);
  }

  /** What a crash has left on the disk, of a store that keeps it and that nobody writes to. */
  *checkOrphans(): Generator<Disagreement> {
    yield* this.content.checkOrphans();
    for (const check of this.#snapshotChecks) yield* checkSnapshotOrphans(check);
  }

  /** Waits until what runs in the background has ended. */
  async idle(): Promise<void> {
    await this.#background.idle();
  }

  /** Ends what is running and lets go of the directory. */
  async close(): Promise<void> {
    this.collector[Symbol.dispose]();
    await this.idle();
    this.#database.close();
    this.#lock.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function blockingSync(kernel: Kernel): LayerSync {
  return { always: false, run: async (directory) => await Promise.resolve(syncFilesystem(kernel, directory)) };
}
