import { api } from "../../../lib/client/api.ts";
import { getSnapshot } from "../../../lib/client/images/snapshots.ts";
import { required } from "../../args.ts";
import { ctrCommand } from "../command.ts";
import { timeText } from "../labels.ts";
import { printJson } from "../listing.ts";
import { snapshotterFlag } from "../snapshotter-flag.ts";

export const snapshotsInfoCommand = ctrCommand({
  name: "snapshots info",
  summary: "print a snapshot, what it takes, and its mounts if it is active, as JSON",
  args: { key: required("key", "key of the snapshot", (given) => given) },
  flags: { snapshotter: snapshotterFlag },
  run: async (context, { key }, { snapshotter }) => {
    const client = await context.connect();
    const [snapshot, { size, inodes }] = await Promise.all([
      getSnapshot(client, snapshotter, key),
      client.call(api.snapshots.usage, { snapshotter, key }),
    ]);
    const { name, parent, kind, labels, createdAt, updatedAt } = snapshot;
    // A committed one has no mounts of its own.
    const { mounts } =
      kind === "committed" ? { mounts: undefined } : await client.call(api.snapshots.mounts, { snapshotter, key });
    await printJson(context, {
      ...{ key: name, parent, kind, labels, createdAt: timeText(createdAt), updatedAt: timeText(updatedAt) },
      ...{ sizeBytes: Number(size), inodes: Number(inodes) },
      mounts: mounts?.map(({ type, source, target, options }) => ({ type, source, target, options })),
    });
    return 0;
  },
});
