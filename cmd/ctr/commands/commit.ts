import { api } from "../../../lib/client/api.ts";
import type { Client } from "../../../lib/client/client.ts";
import { findContainer, findTask } from "../../../lib/client/containers.ts";
import { commitContainer } from "../../../lib/client/images/commit.ts";
import { statusOf } from "../../../lib/client/tasks.ts";
import { normalizeDockerName } from "../../../lib/image/references.ts";
import { required } from "../../args.ts";
import { boolean, oneOf, text } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { parseChange } from "../config-changes.ts";
import { printJson } from "../listing.ts";
import { ownPlatform } from "../registry-flags.ts";

export const commitCommand = ctrCommand({
  name: "commit",
  summary: "make an image of what a container has changed",
  description:
    "On top of the image that the container was made from. A container that runs is paused meanwhile. What is on volumes " +
    "is no part of it.",
  examples: [
    { command: "commit web localhost/web:2", summary: "an image of the container web" },
    { command: "commit --change 'CMD [\"serve\"]' --change 'ENV A=1' web web:2", summary: "with other settings" },
  ],
  args: {
    container: required("container", "its id, or the begin of it", (given) => given),
    image: required("image", "name of the image", (given) => given),
  },
  flags: {
    author: text("who has made it", { label: "NAME", short: "a" }),
    message: text("what it is", { label: "TEXT", short: "m" }),
    change: {
      summary:
        "an instruction of a Dockerfile that changes settings, e.g. CMD, ENV or USER; may be given more than once",
      kind: "text",
      short: "c",
      label: "INSTRUCTION",
      parse: (texts: readonly string[]) => texts.map(parseChange),
    },
    noPause: boolean("let it run on meanwhile: files that it writes may be torn"),
    format: oneOf(["text", "json"], "how to print what was made"),
  },
  run: async (context, { container: given, image }, { author = "", message = "", change, noPause, format }) => {
    const name = normalizeDockerName(image);
    const client = await context.connect();
    const container = await findContainer(client, given);
    const options = {
      ...{ name, author, comment: message, platform: ownPlatform(), nowMs: context.now() },
      change: (config: Readonly<Record<string, unknown>>) => change.reduce((made, each) => each(made), config),
    };
    const work = () => commitContainer(client, container, options);
    const { target } = noPause ? await work() : await paused(client, container.id, work);
    const { digest, mediaType, size } = target;
    if (format === "json") await printJson(context, { name, digest, mediaType, size });
    else await context.print(`${name} ${digest}\n`);
    return 0;
  },
});

/** Does work while a container does none, if it runs. */
async function paused<T>(client: Client, id: string, work: () => Promise<T>): Promise<T> {
  const task = await findTask(client, id);
  if (task === undefined || statusOf(task) !== "running") return await work();
  await client.call(api.tasks.pause, { containerId: id });
  try {
    return await work();
  } finally {
    await client.call(api.tasks.resume, { containerId: id });
  }
}
