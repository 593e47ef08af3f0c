import { exportFrom } from "../../../lib/client/images/archive.ts";
import { getImage } from "../../../lib/client/images/transfer.ts";
import { parsePlatform } from "../../../lib/image/platforms.ts";
import { path, text } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { several } from "../each.ts";
import { writeOutput } from "../file-output.ts";
import { namesOf } from "../image-names.ts";
import { ownPlatform } from "../registry-flags.ts";

export const exportCommand = ctrCommand({
  name: "export",
  summary: "write images to an archive",
  description:
    "An OCI layout in a tar file, which docker load takes, too. Of an image for several platforms all that is here. The file " +
    "is there when all of it is written. Equal images give equal files.",
  examples: [
    { command: "export -o box.tar busybox", summary: "one image" },
    { command: "export busybox web:2 | ssh host tsctr import -", summary: "two, to another machine" },
  ],
  args: { images: several("image", "names of images") },
  flags: {
    output: path("file to write to; standard output if not given", { label: "FILE", short: "o" }),
    platform: text("of several platforms, the one docker load takes; this machine's if not given", {
      label: "PLATFORM",
    }),
  },
  run: async (context, { images }, { output, platform }) => {
    const client = await context.connect();
    const named = await Promise.all(images.map((image) => getImage(client, namesOf(image))));
    const chunks = exportFrom(client, named, platform === undefined ? ownPlatform() : parsePlatform(platform));
    await writeOutput(context, output, chunks, { isBinary: true });
    return 0;
  },
});
