import { detectCgroups } from "../linux/cgroup/detect.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { CgroupRecord } from "./container-store.ts";

/** A container's directory for each controller that this host has; with v2 it is the same for all. */
export function controllerDirectories(kernel: Kernel, { directories }: CgroupRecord): ReadonlyMap<string, string> {
  const mounted = detectCgroups(kernel);
  const hierarchies = mounted.mode === "v2" ? [mounted.unified] : mounted.hierarchies;
  return new Map(
    hierarchies.flatMap(({ controllers, mountPoint }) => {
      const directory = directories.find((path) => path.startsWith(`${mountPoint}/`));
      return directory === undefined ? [] : controllers.map((controller): [string, string] => [controller, directory]);
    }),
  );
}
