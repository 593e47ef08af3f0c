import { findContainer, findTask } from "../../../lib/client/containers.ts";
import { readNetworkStatus } from "../../../lib/client/network-status.ts";
import { readSpec } from "../../../lib/client/spec/read-spec.ts";
import { statusOf } from "../../../lib/client/tasks.ts";
import { toMs } from "../../../lib/client/time.ts";
import { ctrCommand } from "../command.ts";
import { several } from "../each.ts";
import { printJson } from "../listing.ts";

export const inspectCommand = ctrCommand({
  name: "inspect",
  summary: "print all that is known of containers, as JSON",
  args: { ids: several("container", "its id, or the begin of it") },
  flags: {},
  run: async (context, { ids }) => {
    const client = await context.connect();
    const described = ids.map(async (given) => {
      const container = await findContainer(client, given);
      const { id, image, labels, runtime, snapshotter, snapshotKey, createdAt, updatedAt, extensions } = container;
      const task = await findTask(client, id);
      return {
        ...{ id, image, status: statusOf(task), labels, runtime: runtime?.name, snapshotter, snapshotKey },
        ...{ createdAt: timeText(createdAt), updatedAt: timeText(updatedAt), extensions: Object.keys(extensions) },
        ...(task === undefined ? {} : { task: describeTask(task) }),
        network: readNetworkStatus(container),
        spec: readSpec(container),
      };
    });
    await printJson(context, await Promise.all(described));
    return 0;
  },
});

type Timestamp = Parameters<typeof toMs>[0];

function timeText(timestamp: Timestamp): string | undefined {
  const ms = toMs(timestamp);
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

function describeTask({
  pid,
  stdin,
  stdout,
  stderr,
  terminal,
  exitStatus,
  exitedAt,
}: Parameters<typeof statusOf>[0] & {}) {
  const ended = timeText(exitedAt);
  return { pid, terminal, stdin, stdout, stderr, ...(ended === undefined ? {} : { exitStatus, exitedAt: ended }) };
}
