import { importTo } from "../../../lib/client/images/archive.ts";
import { parsePlatform } from "../../../lib/image/platforms.ts";
import { normalizeDockerName } from "../../../lib/image/references.ts";
import { required } from "../../args.ts";
import { boolean, oneOf, text } from "../../flags.ts";
import { AdvisedError } from "../advice.ts";
import { ctrCommand } from "../command.ts";
import type { CtrContext } from "../context.ts";
import { readInput } from "../file-input.ts";
import { printJson } from "../listing.ts";
import { ownPlatform } from "../registry-flags.ts";
import { snapshotterFlag } from "../snapshotter-flag.ts";

export const importCommand = ctrCommand({
  name: "import",
  summary: "bring the images of an archive, and unpack them",
  description: "Of an OCI layout or what docker save makes, compressed or not. Prints the names of the images.",
  examples: [
    { command: "import images.tar", summary: "an archive" },
    { command: "import --base-name localhost/web layout.tar", summary: "one that has tags but no names" },
  ],
  args: { file: required("file", "the archive; - for standard input", (given) => given) },
  flags: {
    baseName: text("name of images that have a tag only", { label: "NAME" }),
    platform: text("platform that is unpacked; this machine's if not given", { label: "PLATFORM" }),
    noUnpack: boolean("bring the content only"),
    snapshotter: snapshotterFlag,
    format: oneOf(["text", "json"], "how to print what was brought"),
  },
  run: async (context, { file }, flags) => await importFile(context, file, flags),
});

interface ImportFlags {
  readonly baseName: string | undefined;
  readonly platform: string | undefined;
  readonly noUnpack: boolean;
  readonly snapshotter: string;
  readonly format: "text" | "json";
}

/** What `import` and `load` do. Gives the exit status. */
export async function importFile(
  context: CtrContext,
  file: string,
  { baseName, platform, noUnpack, snapshotter, format }: ImportFlags,
): Promise<number> {
  const client = await context.connect();
  const images = await importTo(client, readInput(context, file), {
    nameOfTag: (tag) => (baseName === undefined ? "" : normalizeDockerName(`${baseName}:${tag}`)),
    platform: platform === undefined ? ownPlatform() : parsePlatform(platform),
    ...{ snapshotter, unpack: !noUnpack, report: () => undefined },
  });
  if (images.length === 0) {
    throw new AdvisedError("invalid_argument", `cannot import ${file}: no image in it has a name`, {
      advice: "give them one with --base-name",
    });
  }
  if (format === "text") await context.print(images.map(({ name }) => `${name}\n`).join(""));
  else {
    const described = images.map(({ name, target: { digest, mediaType, size } }) => ({
      name,
      digest,
      mediaType,
      size,
    }));
    await printJson(context, described);
  }
  return 0;
}
