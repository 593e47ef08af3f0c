import type { Client } from "../../lib/client/client.ts";
import { DEFAULT_SNAPSHOTTER } from "../../lib/client/images/snapshots.ts";
import { pullTo } from "../../lib/client/images/transfer.ts";
import type { Platform } from "../../lib/image/platforms.ts";
import type { CtrContext } from "./context.ts";
import { interruptible } from "./interrupt.ts";
import { ProgressView } from "./progress.ts";
import { advised } from "./registry-advice.ts";
import { ownPlatform, registryOptions } from "./registry-flags.ts";

interface PullRequest {
  readonly image: string;
  readonly snapshotter: string | undefined;
  /** Undefined: this machine's. */
  readonly platform: Platform | undefined;
}

/** Brings the image that a container is to be made of. @throws {ContainerError} */
export async function pullForRun(
  context: CtrContext,
  client: Client,
  { image, snapshotter = DEFAULT_SNAPSHOTTER, platform = ownPlatform() }: PullRequest,
): Promise<void> {
  const registry = registryOptions(context, {
    ...{ plainHttp: false, skipVerify: false, user: undefined, hostsDir: undefined },
  });
  const view = new ProgressView(context, false);
  const report = view.report.bind(view);
  const options = { name: image, snapshotter, unpack: true, platforms: [platform], platform, report };
  context.warn(`image ${image} is pulled`);
  await interruptible(async (signal) => {
    try {
      await advised(() => pullTo(client, registry, { ...options, signal }));
    } finally {
      view.end();
    }
  });
}
