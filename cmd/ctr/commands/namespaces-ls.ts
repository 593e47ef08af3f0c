import { api } from "../../../lib/client/api.ts";
import { ctrCommand } from "../command.ts";
import { labelsText } from "../labels.ts";
import { formatFlag, printList, quietFlag } from "../listing.ts";

export const namespacesLsCommand = ctrCommand({
  name: "namespaces ls",
  summary: "list namespaces",
  args: {},
  flags: { format: formatFlag, quiet: quietFlag("names") },
  run: async (context, _args, { format, quiet }) => {
    const client = await context.connect();
    const { namespaces } = await client.call(api.namespaces.list, {});
    const sorted = namespaces.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    await printList(context, sorted, {
      format,
      quiet: quiet && (({ name }) => name),
      columns: [
        { title: "NAME", cell: ({ name }) => name },
        { title: "LABELS", cell: ({ labels }) => labelsText(labels), canShrink: true },
      ],
      describe: ({ name, labels }) => ({ name, labels }),
    });
    return 0;
  },
});
