import type { Usage } from "../../linux/tree/walk.ts";

/** types/mount.proto: what a client mounts to see a snapshot. */
export interface Mount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** snapshots.proto: Kind. */
export type SnapshotKind = "view" | "active" | "committed";

/** A snapshot that is being made: its number, and its parents' from the nearest to the first. */
export interface SnapshotPlan {
  readonly number: number;
  readonly kind: "view" | "active";
  readonly parents: readonly number[];
}

/** How snapshots are kept on the disk. Names, kinds and parents are the store's business. */
export interface SnapshotDriver {
  readonly name: string;
  /** Makes the directories of a snapshot. @throws {ContainerError} */
  create(plan: SnapshotPlan): Promise<void>;
  mounts(plan: SnapshotPlan): readonly Mount[];
  /** What a snapshot takes beyond its parents. */
  usage(number: number): Promise<Usage>;
  /** Whether the directories of a snapshot are there. */
  exists(number: number): boolean;
  remove(number: number): Promise<void>;
  /** The numbers of all snapshots on the disk. */
  list(): readonly number[];
}
