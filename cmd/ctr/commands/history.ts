import { findImage } from "../../../lib/client/image.ts";
import { RemoteContent } from "../../../lib/client/images/content.ts";
import { resolveImage } from "../../../lib/client/images/unpack.ts";
import { toList, toObject } from "../../../lib/image/documents.ts";
import { required } from "../../args.ts";
import { boolean } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { formatFlag, printList, quietFlag } from "../listing.ts";
import { ownPlatform } from "../registry-flags.ts";
import { ageText, sizeText } from "../units.ts";

/** A step by which an image was made; image-spec § config, `history`. */
interface Step {
  readonly created: string;
  readonly createdBy: string;
  readonly comment: string;
  /** The layer that it made, and its bytes as a registry sends them; undefined for a step that made none. */
  readonly layer: { readonly digest: string; readonly size: number } | undefined;
}

export const historyCommand = ctrCommand({
  name: "history",
  summary: "list the steps by which an image was made, the last one first",
  description: "SIZE is what a registry would send of the layer that a step has made.",
  args: { image: required("image", "its name, full or as docker shortens it", (given) => given) },
  flags: {
    noTrunc: boolean("cut nothing, however wide the terminal is"),
    quiet: quietFlag("digests of layers"),
    format: formatFlag,
  },
  run: async (context, { image }, { noTrunc, quiet, format }) => {
    const client = await context.connect();
    const { name, target } = await findImage(client, image);
    const { mediaType, digest, size } = target;
    const wanted = { mediaType, digest, size: Number(size) };
    const found = await resolveImage(new RemoteContent(client), wanted, ownPlatform());
    const steps = toSteps(toObject(found.document, `the config of ${name}`)["history"], found.layers);
    const ageOf = (time: string) => (Number.isNaN(Date.parse(time)) ? "" : ageText(context.now() - Date.parse(time)));
    await printList(context, quiet ? steps.filter(({ layer }) => layer !== undefined) : steps, {
      format,
      isWhole: noTrunc,
      quiet: quiet && (({ layer }) => layer?.digest ?? ""),
      columns: [
        { title: "CREATED", cell: ({ created }) => ageOf(created) },
        { title: "CREATED BY", cell: ({ createdBy }) => createdBy, canShrink: true },
        { title: "SIZE", cell: ({ layer }) => (layer === undefined ? "" : sizeText(layer.size)), isRight: true },
        { title: "COMMENT", cell: ({ comment }) => comment, canShrink: true },
      ],
      describe: ({ layer, ...step }) => ({ ...step, digest: layer?.digest, size: layer?.size }),
    });
    return 0;
  },
});

type Layers = readonly { readonly digest: string; readonly size: number | { toString(): string } }[];

/** Each step that is not said to be empty has made the next layer; layers without a step have made themselves. */
function toSteps(history: unknown, layers: Layers): readonly Step[] {
  const rest = layers.map(({ digest, size }) => ({ digest, size: Number(size) }));
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  const told = toList(history, "history").map((each): Step => {
    const step = toObject(each, "a step of the history");
    const layer = step["empty_layer"] === true ? undefined : rest.shift();
    return {
      created: text(step["created"]),
      createdBy: text(step["created_by"]),
      comment: text(step["comment"]),
      layer,
    };
  });
  return [...told, ...rest.map((layer) => ({ created: "", createdBy: "", comment: "", layer }))].toReversed();
}
