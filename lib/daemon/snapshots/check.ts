import type { Disagreement } from "../disagreement.ts";
import { integer, type MetadataDatabase, text } from "../metadata/database.ts";
import type { SnapshotDriver } from "./driver.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

/** What the snapshots of one snapshotter are looked at with. */
export interface SnapshotCheck {
  readonly database: MetadataDatabase;
  readonly driver: SnapshotDriver;
  readonly store: SnapshotStore;
}

interface Found {
  readonly number: number;
  readonly parent: number | undefined;
  readonly namespace: string;
  readonly key: string;
  readonly kind: string;
}

/** Snapshots whose directories are missing. What stands on one cannot be mounted any more, either. */
export function* checkSnapshots(check: SnapshotCheck): Generator<Disagreement> {
  const { driver, store } = check;
  for (const snapshot of listSnapshots(check)) {
    // What stood on one that was repaired is gone already.
    if (driver.exists(snapshot.number) || !isRecorded(check.database, snapshot.number)) continue;
    const what = `snapshot ${snapshot.key} of ${store.snapshotter} in namespace ${snapshot.namespace}`;
    const why = "its directory is missing";
    const above = listAbove(check, snapshot);
    const writable = above.find(({ kind, number }) => kind === "active" && driver.exists(number));
    if (writable === undefined) yield { what, why, repair: removal(check, snapshot) };
    else {
      const remedy = `snapshot ${writable.key} stands on it and has data of its own: save that, and remove it`;
      yield { what, why, remedy };
    }
  }
}

/** Directories that no record names, of a store that nobody writes to. */
export function* checkSnapshotOrphans({ driver, store }: SnapshotCheck): Generator<Disagreement> {
  for (const number of store.orphans()) {
    const repair = { done: "it was removed", run: () => driver.remove(number) };
    yield { what: `directory ${number} of ${driver.name}`, why: "no record names it", repair };
  }
}

function removal(check: SnapshotCheck, snapshot: Found): Disagreement["repair"] {
  const { database, driver } = check;
  return {
    done: "its record was removed, and those of what stands on it: the image can be unpacked again",
    run: async () => {
      const numbers = database.reclaim(() =>
        // Children have higher numbers than their parents.
        [...listAbove(check, snapshot), snapshot]
          .filter(({ number }) => isRecorded(database, number))
          .sort((a, b) => b.number - a.number)
          .map(({ namespace, key }) => check.store.forget(namespace, key)),
      );
      for (const number of numbers) if (driver.exists(number)) await driver.remove(number);
    },
  };
}

function isRecorded(database: MetadataDatabase, number: number): boolean {
  return database.find("SELECT 1 FROM snapshots WHERE number = ?", number) !== undefined;
}

function listAbove(check: SnapshotCheck, below: Found): readonly Found[] {
  const above: Found[] = [];
  const parents = new Set([below.number]);
  for (const snapshot of listSnapshots(check)) {
    if (snapshot.parent === undefined || !parents.has(snapshot.parent)) continue;
    parents.add(snapshot.number);
    above.push(snapshot);
  }
  return above;
}

/** In order of their numbers: parents come first. */
function listSnapshots({ database, driver }: SnapshotCheck): readonly Found[] {
  const sql = "SELECT number, parent, namespace, key, kind FROM snapshots WHERE snapshotter = ? ORDER BY number";
  return database.all(sql, driver.name).map((row) => ({
    number: integer(row, "number"),
    parent: row["parent"] === null ? undefined : integer(row, "parent"),
    namespace: text(row, "namespace"),
    key: text(row, "key"),
    kind: text(row, "kind"),
  }));
}
