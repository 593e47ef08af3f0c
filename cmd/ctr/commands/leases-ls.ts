import { api } from "../../../lib/client/api.ts";
import { toMs } from "../../../lib/client/time.ts";
import { repeated } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { labelsText, timeText } from "../labels.ts";
import { formatFlag, printList, quietFlag } from "../listing.ts";
import { ageText } from "../units.ts";

export const leasesLsCommand = ctrCommand({
  name: "leases ls",
  summary: "list leases, which keep what nothing else refers to",
  args: {},
  flags: {
    filter: repeated("containerd's filter; several are alternatives", { short: "f" }),
    quiet: quietFlag("ids"),
    format: formatFlag,
  },
  run: async (context, _args, { filter, quiet, format }) => {
    const client = await context.connect();
    const { leases } = await client.call(api.leases.list, { filters: filter });
    const sorted = leases.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    await printList(context, sorted, {
      format,
      quiet: quiet && (({ id }) => id),
      columns: [
        { title: "ID", cell: ({ id }) => id, canShrink: true },
        { title: "CREATED", cell: ({ createdAt }) => ageText(context.now() - (toMs(createdAt) ?? context.now())) },
        { title: "LABELS", cell: ({ labels }) => labelsText(labels), canShrink: true },
      ],
      describe: ({ id, createdAt, labels }) => ({ id, createdAt: timeText(createdAt), labels }),
    });
    return 0;
  },
});
