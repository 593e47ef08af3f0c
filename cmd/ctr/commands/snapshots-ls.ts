import { api } from "../../../lib/client/api.ts";
import type { Client } from "../../../lib/client/client.ts";
import { listSnapshots, type Snapshot } from "../../../lib/client/images/snapshots.ts";
import { boolean, repeated } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { timeText } from "../labels.ts";
import { formatFlag, printList, quietFlag } from "../listing.ts";
import { snapshotterFlag } from "../snapshotter-flag.ts";
import type { Column } from "../table.ts";
import { sizeText } from "../units.ts";

export const snapshotsLsCommand = ctrCommand({
  name: "snapshots ls",
  summary: "list snapshots",
  args: {},
  flags: {
    snapshotter: snapshotterFlag,
    filter: repeated("containerd's filter, e.g. kind==Active; several are alternatives", { short: "f" }),
    size: boolean("how much of the disk each takes, too", { short: "s" }),
    quiet: quietFlag("keys"),
    format: formatFlag,
  },
  run: async (context, _args, { snapshotter, filter, size, quiet, format }) => {
    const client = await context.connect();
    const snapshots = await listSnapshots(client, snapshotter, filter);
    const sized = await Promise.all(
      snapshots.map(async (each): Promise<Sized> => {
        return { ...each, usage: size ? await usageOf(client, snapshotter, each) : undefined };
      }),
    );
    const sizeColumn: Column<Sized> = { title: "SIZE", cell: ({ usage = 0 }) => sizeText(usage), isRight: true };
    await printList(context, sized, {
      format,
      quiet: quiet && (({ name }) => name),
      columns: [
        { title: "KEY", cell: ({ name }) => name, canShrink: true },
        { title: "PARENT", cell: ({ parent }) => parent, canShrink: true },
        { title: "KIND", cell: ({ kind }) => kind },
        ...(size ? [sizeColumn] : []),
      ],
      describe: ({ name, parent, kind, createdAt, updatedAt, labels, usage }) => ({
        ...{ key: name, parent, kind, labels, createdAt: timeText(createdAt), updatedAt: timeText(updatedAt) },
        ...(usage === undefined ? {} : { sizeBytes: usage }),
      }),
    });
    return 0;
  },
});

type Sized = Snapshot & { readonly usage: number | undefined };

async function usageOf(client: Client, snapshotter: string, { name }: Snapshot): Promise<number> {
  const { size } = await client.call(api.snapshots.usage, { snapshotter, key: name });
  return Number(size);
}
