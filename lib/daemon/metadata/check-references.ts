import type { Disagreement } from "../disagreement.ts";
import { type MetadataDatabase, text } from "./database.ts";

/**
 * Records that name something which is not there. What labels name need not be there: an index names the manifests of
 * platforms that nobody has fetched.
 */
export function* checkReferences(database: MetadataDatabase): Generator<Disagreement> {
  const images = `SELECT namespace, name, digest FROM images
    WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE blobs.namespace = images.namespace AND blobs.digest = images.digest)`;
  for (const row of database.all(images)) {
    const [namespace, name] = [text(row, "namespace"), text(row, "name")];
    const run = () => {
      database.reclaim(() => database.run("DELETE FROM images WHERE namespace = ? AND name = ?", namespace, name));
    };
    yield {
      what: `image ${name} in namespace ${namespace}`,
      why: `its content ${text(row, "digest")} is missing`,
      repair: { done: "its record was removed: it can be pulled again", run },
    };
  }
  const containers = `SELECT namespace, id, snapshotter, snapshot_key FROM containers
    WHERE snapshot_key <> '' AND NOT EXISTS (
      SELECT 1 FROM snapshots WHERE snapshots.namespace = containers.namespace
        AND snapshots.snapshotter = containers.snapshotter AND snapshots.key = containers.snapshot_key)`;
  for (const row of database.all(containers)) {
    yield {
      what: `container ${text(row, "id")} in namespace ${text(row, "namespace")}`,
      why: `its snapshot ${text(row, "snapshot_key")} of ${text(row, "snapshotter")} is missing`,
      remedy: "nobody but its owner can say what it was: remove the container when it is of no use any more",
    };
  }
}
