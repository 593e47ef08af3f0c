import { getImage, nameImage } from "../../../lib/client/images/transfer.ts";
import { normalizeDockerName } from "../../../lib/image/references.ts";
import { required } from "../../args.ts";
import { ctrCommand } from "../command.ts";
import { namesOf } from "../image-names.ts";

export const tagCommand = ctrCommand({
  name: "tag",
  summary: "give an image one more name",
  description: "A name that another image has is taken from it.",
  examples: [{ command: "tag busybox localhost:5000/box:1", summary: "for a push to a registry of one's own" }],
  args: {
    image: required("image", "name of the image", (given) => given),
    name: required("name", "its other name", (given) => given),
  },
  flags: {},
  run: async (context, { image, name }) => {
    const client = await context.connect();
    const whole = normalizeDockerName(name);
    const { target } = await getImage(client, namesOf(image));
    await nameImage(client, { name: whole, target });
    await context.print(`${whole}\n`);
    return 0;
  },
});
