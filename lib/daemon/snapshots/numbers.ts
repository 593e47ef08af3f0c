import { integer, type MetadataDatabase } from "../metadata/database.ts";
import type { SnapshotDriver } from "./driver.ts";

/** Gives each snapshot a number that no other has had, of whatever snapshotter, recorded or only on the disk. */
export function snapshotNumbers(database: MetadataDatabase, drivers: readonly SnapshotDriver[]): () => number {
  const row = database.find("SELECT seq FROM sqlite_sequence WHERE name = 'snapshots'");
  let last = Math.max(row === undefined ? 0 : integer(row, "seq"), ...drivers.flatMap((driver) => driver.list()));
  return () => ++last;
}
