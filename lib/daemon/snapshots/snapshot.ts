import type { Usage } from "../../linux/tree/walk.ts";
import { entryOf, type Field, scalar } from "../filter/match.ts";
import { decodeLabels, type Labels } from "../labels.ts";
import { integer, nanoseconds, type Row, text } from "../metadata/database.ts";
import type { SnapshotKind } from "./driver.ts";

/** snapshots.proto: Info. */
export interface SnapshotInfo {
  readonly name: string;
  /** The name of the parent, "" for none. */
  readonly parent: string;
  readonly kind: SnapshotKind;
  readonly labels: Labels;
  readonly createdNs: bigint;
  readonly updatedNs: bigint;
}

/** The row of a snapshot. */
export interface Snapshot extends SnapshotInfo {
  readonly number: number;
  readonly parentNumber: number | undefined;
  readonly usage: Usage;
}

/** Selects what `toSnapshot()` reads. */
export const SELECT = `SELECT snapshots.*, parents.key AS parent_key FROM snapshots
  LEFT JOIN snapshots AS parents ON parents.number = snapshots.parent`;

/** A snapshot from its row. */
export function toSnapshot(row: Row): Snapshot {
  const kind = text(row, "kind");
  return {
    name: text(row, "key"),
    parent: row["parent_key"] === null ? "" : text(row, "parent_key"),
    kind: kind === "view" || kind === "active" ? kind : "committed",
    labels: decodeLabels(text(row, "labels")),
    createdNs: nanoseconds(row, "created_ns"),
    updatedNs: nanoseconds(row, "updated_ns"),
    number: integer(row, "number"),
    parentNumber: row["parent"] === null ? undefined : integer(row, "parent"),
    usage: { size: integer(row, "size"), inodes: integer(row, "inodes") },
  };
}

/** The fields of filters. */
export function fieldOf(info: SnapshotInfo, path: readonly string[]): Field {
  switch (path[0]) {
    case "kind":
      return info.kind;
    case "name":
      return scalar(info.name);
    case "parent":
      return scalar(info.parent);
    case "labels":
      return entryOf(info.labels, path);
    default:
      return undefined;
  }
}
