import { api } from "../../../lib/client/api.ts";
import { toMs } from "../../../lib/client/time.ts";
import { ctrCommand } from "../command.ts";
import { timeText } from "../labels.ts";
import { formatFlag, printList } from "../listing.ts";
import { ageText, sizeText } from "../units.ts";

export const contentIngestsCommand = ctrCommand({
  name: "content ingests",
  summary: "list blobs that are not complete",
  args: {},
  flags: { format: formatFlag },
  run: async (context, _args, { format }) => {
    const client = await context.connect();
    const { statuses } = await client.call(api.content.listStatuses, { filters: [] });
    await printList(context, statuses, {
      format,
      columns: [
        { title: "REF", cell: ({ ref }) => ref, canShrink: true },
        { title: "SIZE", cell: ({ offset }) => sizeText(Number(offset)), isRight: true },
        { title: "OF", cell: ({ total }) => (Number(total) === 0 ? "" : sizeText(Number(total))), isRight: true },
        { title: "UPDATED", cell: ({ updatedAt }) => ageText(context.now() - (toMs(updatedAt) ?? context.now())) },
      ],
      describe: ({ ref, offset, total, expected, startedAt, updatedAt }) => ({
        ...{ ref, offsetBytes: Number(offset), totalBytes: Number(total), expected },
        ...{ startedAt: timeText(startedAt), updatedAt: timeText(updatedAt) },
      }),
    });
    return 0;
  },
});
