import { api } from "../../../lib/client/api.ts";
import { toMs } from "../../../lib/client/time.ts";
import { ctrCommand } from "../command.ts";
import { timeText } from "../labels.ts";
import { formatFlag, printList, quietFlag } from "../listing.ts";
import { ageText } from "../units.ts";

export const imagesLsCommand = ctrCommand({
  name: "images ls",
  summary: "list images",
  args: {},
  flags: { format: formatFlag, quiet: quietFlag("names") },
  run: async (context, _args, { format, quiet }) => {
    const client = await context.connect();
    const { images } = await client.call(api.images.list, {});
    const sorted = images.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    await printList(context, sorted, {
      format,
      quiet: quiet && (({ name }) => name),
      columns: [
        { title: "NAME", cell: ({ name }) => name, canShrink: true },
        { title: "DIGEST", cell: ({ target }) => shortDigest(target?.digest ?? "") },
        { title: "UPDATED", cell: ({ updatedAt }) => ageText(context.now() - (toMs(updatedAt) ?? context.now())) },
      ],
      describe: ({ name, target, labels, createdAt, updatedAt }) => ({
        ...{ name, digest: target?.digest, mediaType: target?.mediaType, labels },
        ...{ createdAt: timeText(createdAt), updatedAt: timeText(updatedAt) },
      }),
    });
    return 0;
  },
});

const SHORT_DIGITS = 12;

function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1).slice(0, SHORT_DIGITS);
}
