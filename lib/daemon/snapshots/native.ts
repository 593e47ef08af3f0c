import type { Kernel } from "../../linux/kernel.ts";
import { copyTree } from "../../linux/tree/copy.ts";
import { changeMode, findEntry } from "../../linux/tree/entries.ts";
import { openRoot } from "../../linux/tree/open.ts";
import { SnapshotDirectories } from "./directories.ts";
import type { SnapshotDriver, SnapshotPlan } from "./driver.ts";
import { bind } from "./overlay.ts";

/** Plain directories: each snapshot is a copy of its parent, for filesystems on which nothing better works. */
export function nativeDriver(kernel: Kernel, { root }: { readonly root: string }): SnapshotDriver {
  const directories = new SnapshotDirectories(kernel, root);
  return {
    name: "native",
    create: (plan) => createCopy(kernel, directories, plan),
    mounts: ({ number, kind, parents: [parent] }) => {
      const shown = kind === "view" ? (parent ?? number) : number;
      return [bind(directories.path(shown, "fs"), kind === "view" ? "ro" : "rw")];
    },
    usage: (number) => directories.usage(number),
    exists: (number) => directories.exists(number),
    remove: (number) => directories.remove(number),
    list: () => directories.list(),
  };
}

async function createCopy(
  kernel: Kernel,
  directories: SnapshotDirectories,
  { number, kind, parents: [parent] }: SnapshotPlan,
): Promise<void> {
  directories.create(number, parent);
  // Nobody writes to a view: it shows the parent's files.
  if (parent === undefined || kind === "view") return;
  using from = openRoot(kernel, directories.path(parent, "fs"));
  using to = openRoot(kernel, directories.path(number, "fs"));
  await copyTree(kernel, from.number, to.number);
  const status = findEntry(kernel, from.number, "");
  if (status !== undefined) changeMode(kernel, to.number, ".", status.mode);
}
