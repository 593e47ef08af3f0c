import { api } from "../../../lib/client/api.ts";
import { boolean } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { labelsText } from "../labels.ts";
import { formatFlag, printList } from "../listing.ts";

export const namespacesLsCommand = ctrCommand({
  name: "namespaces ls",
  summary: "list namespaces",
  args: {},
  flags: { format: formatFlag, quiet: boolean("print names only", { short: "q" }) },
  run: async (context, _args, { format, quiet }) => {
    const client = await context.connect();
    const { namespaces } = await client.call(api.namespaces.list, {});
    const sorted = namespaces.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    if (quiet) {
      await context.print(sorted.map(({ name }) => `${name}\n`).join(""));
      return 0;
    }
    await printList(context, sorted, {
      format,
      columns: [
        { title: "NAME", cell: ({ name }) => name },
        { title: "LABELS", cell: ({ labels }) => labelsText(labels), canShrink: true },
      ],
      describe: ({ name, labels }) => ({ name, labels }),
    });
    return 0;
  },
});
