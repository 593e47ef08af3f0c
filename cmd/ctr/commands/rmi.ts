import { api } from "../../../lib/client/api.ts";
import { getImage } from "../../../lib/client/images/transfer.ts";
import { boolean } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";
import { namesOf } from "../image-names.ts";

export const rmiCommand = ctrCommand({
  name: "rmi",
  summary: "remove names of images, and what no name is left of",
  description: "Layers that other images or containers need stay.",
  args: { images: several("image", "names of images") },
  flags: { sync: boolean("return when the space is free") },
  run: async (context, { images }, { sync }) => {
    const client = await context.connect();
    return await forEach(context, images, async (given) => {
      const { name } = await getImage(client, namesOf(given));
      await client.call(api.images.delete, { name, sync });
      return name;
    });
  },
});
