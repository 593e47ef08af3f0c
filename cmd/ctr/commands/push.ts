import { getImage, pushFrom } from "../../../lib/client/images/transfer.ts";
import { normalizeDockerName } from "../../../lib/image/references.ts";
import { optional, required } from "../../args.ts";
import { boolean, oneOf } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { namesOf } from "../image-names.ts";
import { interruptible } from "../interrupt.ts";
import { printJson } from "../listing.ts";
import { ProgressView } from "../progress.ts";
import { advised } from "../registry-advice.ts";
import { platformFlag, platformsOf, registryFlags, registryOptions } from "../registry-flags.ts";

export const pushCommand = ctrCommand({
  name: "push",
  summary: "send an image to a registry",
  description:
    "What the registry has already is not sent. Of an image for several platforms, all that is here is needed, or " +
    "--platform names the one to send.",
  examples: [
    { command: "push localhost:5000/web:2", summary: "an image by its own name" },
    { command: "push web:2 registry.example/team/web:2", summary: "by another one" },
  ],
  args: {
    image: required("image", "name of the image", (given) => given),
    remote: optional("remote", "name in the registry; the image's own if not given", "", (given) => given),
  },
  flags: {
    platform: platformFlag,
    quiet: boolean("show no progress", { short: "q" }),
    format: oneOf(["text", "json"], "how to print what was sent"),
    ...registryFlags,
  },
  run: async (context, { image, remote }, flags) => {
    const view = new ProgressView(context, flags.quiet);
    const registry = registryOptions(context, flags);
    const platforms = flags.platform.length === 0 ? {} : { platforms: platformsOf(flags.platform) };
    const client = await context.connect();
    const { target, name } = await getImage(client, namesOf(image));
    const to = normalizeDockerName(remote === "" ? name : remote);
    await interruptible(async (signal) => {
      const report = view.report.bind(view);
      try {
        await advised(() => pushFrom(client, registry, { name: to, target, report, signal, ...platforms }));
      } finally {
        view.end();
      }
    });
    if (flags.format === "json") await printJson(context, { name: to, digest: target.digest });
    else await context.print(`${to} ${target.digest}\n`);
    return 0;
  },
});
