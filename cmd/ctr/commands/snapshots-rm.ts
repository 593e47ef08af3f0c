import { api } from "../../../lib/client/api.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";
import { snapshotterFlag } from "../snapshotter-flag.ts";

export const snapshotsRmCommand = ctrCommand({
  name: "snapshots rm",
  summary: "remove snapshots on which no other stands",
  args: { keys: several("key", "keys of snapshots") },
  flags: { snapshotter: snapshotterFlag },
  run: async (context, { keys }, { snapshotter }) => {
    const client = await context.connect();
    return await forEach(context, keys, async (key) => {
      await client.call(api.snapshots.remove, { snapshotter, key });
      return key;
    });
  },
});
