import { api } from "../../../lib/client/api.ts";
import type { Client } from "../../../lib/client/client.ts";
import { type ImageSize, measureImages } from "../../../lib/client/images/sizes.ts";
import { DEFAULT_SNAPSHOTTER } from "../../../lib/client/images/snapshots.ts";
import { toMs } from "../../../lib/client/time.ts";
import type { containerd } from "../../../proto/gen/daemon.js";
import { ctrCommand } from "../command.ts";
import { timeText } from "../labels.ts";
import { formatFlag, printList, quietFlag } from "../listing.ts";
import { ownPlatform } from "../registry-flags.ts";
import { ageText, sizeText } from "../units.ts";

type Image = containerd.services.images.v1.Image;

export const imagesLsCommand = ctrCommand({
  name: "images ls",
  summary: "list images, and their sizes",
  description:
    "SIZE is what the layers take on the disk, for this machine's platform and the default snapshotter; layers that images share " +
    "count for each. BLOB SIZE is what a registry would send.",
  args: {},
  flags: { format: formatFlag, quiet: quietFlag("names") },
  run: async (context, _args, { format, quiet }) => {
    const client = await context.connect();
    const { images } = await client.call(api.images.list, {});
    const sorted = images.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    // Who wants names need not wait for sizes.
    const sizes = quiet ? [] : await measure(client, sorted);
    const sized = sorted.map((image, index) => ({ ...UNKNOWN, ...pick(image), ...sizes[index] }));
    await printList(context, sized, {
      format,
      quiet: quiet && (({ name }) => name),
      columns: [
        { title: "NAME", cell: ({ name }) => name, canShrink: true },
        { title: "DIGEST", cell: ({ target }) => shortDigest(target?.digest ?? "") },
        { title: "SIZE", cell: ({ unpackedBytes }) => optionalSize(unpackedBytes), isRight: true },
        { title: "BLOB SIZE", cell: ({ contentBytes }) => optionalSize(contentBytes), isRight: true },
        { title: "UPDATED", cell: ({ updatedAt }) => ageText(context.now() - (toMs(updatedAt) ?? context.now())) },
      ],
      describe: ({ name, target, labels, createdAt, updatedAt, unpackedBytes, contentBytes }) => ({
        ...{ name, digest: target?.digest, mediaType: target?.mediaType, labels, unpackedBytes, contentBytes },
        ...{ createdAt: timeText(createdAt), updatedAt: timeText(updatedAt) },
      }),
    });
    return 0;
  },
});

const UNKNOWN: ImageSize = { contentBytes: undefined, unpackedBytes: undefined };

/** A message has the fields that were not sent by its prototype: they have to be named. */
function pick({ name, target, labels, createdAt, updatedAt }: Image) {
  return { name, target, labels, createdAt, updatedAt };
}

async function measure(client: Client, images: readonly Image[]): Promise<readonly ImageSize[]> {
  const targets = images.map(({ target }) => target);
  return await measureImages(client, targets, { platform: ownPlatform(), snapshotter: DEFAULT_SNAPSHOTTER });
}

function optionalSize(bytes: number | undefined): string {
  return bytes === undefined ? "" : sizeText(bytes);
}

const SHORT_DIGITS = 12;

function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1).slice(0, SHORT_DIGITS);
}
