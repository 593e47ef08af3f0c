import { pullTo } from "../../../lib/client/images/transfer.ts";
import { required } from "../../args.ts";
import { boolean, oneOf } from "../../flags.ts";
import { UsageError } from "../../usage-error.ts";
import { ctrCommand } from "../command.ts";
import { interruptible } from "../interrupt.ts";
import { printJson } from "../listing.ts";
import { ProgressView } from "../progress.ts";
import { advised } from "../registry-advice.ts";
import { ownPlatform, platformFlag, platformsOf, registryFlags, registryOptions } from "../registry-flags.ts";
import { snapshotterFlag } from "../snapshotter-flag.ts";

export const pullCommand = ctrCommand({
  name: "pull",
  summary: "bring an image from a registry, and unpack it",
  description:
    "A name without a registry is one of docker.io. What was received before an interruption is kept, and the next pull " +
    "goes on from there. Logins are those of docker's config.json, mirrors those of hosts.toml.",
  examples: [
    { command: "pull busybox", summary: "docker.io/library/busybox:latest" },
    { command: "pull --platform linux/arm64 localhost:5000/web:2", summary: "from a registry of one's own" },
  ],
  args: { image: required("image", "name of the image", (given) => given) },
  flags: {
    platform: platformFlag,
    allPlatforms: boolean("bring the image for every platform, and unpack that of this machine"),
    noUnpack: boolean("bring the content only"),
    snapshotter: snapshotterFlag,
    quiet: boolean("show no progress", { short: "q" }),
    format: oneOf(["text", "json"], "how to print what was brought"),
    ...registryFlags,
  },
  run: async (context, { image }, flags) => {
    if (flags.allPlatforms && flags.platform.length > 0) {
      throw new UsageError("--platform and --all-platforms exclude each other");
    }
    const view = new ProgressView(context, flags.quiet);
    const options = {
      ...{ name: image, snapshotter: flags.snapshotter, unpack: !flags.noUnpack },
      ...{ platforms: flags.allPlatforms ? undefined : platformsOf(flags.platform), platform: ownPlatform() },
    };
    const registry = registryOptions(context, flags);
    const client = await context.connect();
    const { name, target } = await interruptible(async (signal) => {
      try {
        const report = view.report.bind(view);
        return await advised(() => pullTo(client, registry, { ...options, signal, report }));
      } finally {
        view.end();
      }
    });
    const { digest, mediaType, size } = target;
    if (flags.format === "json") await printJson(context, { name, digest, mediaType, size });
    else await context.print(`${name} ${digest}\n`);
    return 0;
  },
});
