import { api } from "../../../lib/client/api.ts";
import { toMs } from "../../../lib/client/time.ts";
import type { containerd } from "../../../proto/gen/daemon.js";
import { repeated } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { labelsText, timeText } from "../labels.ts";
import { formatFlag, printList, quietFlag } from "../listing.ts";
import { ageText, sizeText } from "../units.ts";

export const contentLsCommand = ctrCommand({
  name: "content ls",
  summary: "list blobs",
  args: {},
  flags: {
    filter: repeated("containerd's filter, e.g. 'size>1000000'; several are alternatives", { short: "f" }),
    quiet: quietFlag("digests"),
    format: formatFlag,
  },
  run: async (context, _args, { filter, quiet, format }) => {
    const client = await context.connect();
    const blobs: containerd.services.content.v1.Info[] = [];
    for await (const { info } of client.stream(api.content.list, { filters: filter })) blobs.push(...info);
    const sorted = blobs.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
    await printList(context, sorted, {
      format,
      quiet: quiet && (({ digest }) => digest),
      columns: [
        { title: "DIGEST", cell: ({ digest }) => digest, canShrink: true },
        { title: "SIZE", cell: ({ size }) => sizeText(Number(size)), isRight: true },
        { title: "CREATED", cell: ({ createdAt }) => ageText(context.now() - (toMs(createdAt) ?? context.now())) },
        { title: "LABELS", cell: ({ labels }) => labelsText(labels), canShrink: true },
      ],
      describe: ({ digest, size, labels, createdAt, updatedAt }) => ({
        ...{ digest, sizeBytes: Number(size), labels, createdAt: timeText(createdAt), updatedAt: timeText(updatedAt) },
      }),
    });
    return 0;
  },
});
