import { pruneVolumes, unusedVolumes } from "../../../lib/client/volumes/use.ts";
import type { Volume } from "../../../lib/client/volumes/volume.ts";
import { boolean } from "../../flags.ts";
import { mayRemove } from "../ask.ts";
import { ctrCommand } from "../command.ts";

export const volumesPruneCommand = ctrCommand({
  name: "volumes prune",
  summary: "remove volumes that no container mounts, and print their names",
  description: "Without --all those that were never given a name. What is in them is gone; it asks before.",
  args: {},
  flags: {
    all: boolean("those with names, too", { short: "a" }),
    force: boolean("do not ask", { short: "f" }),
  },
  run: async (context, _args, { all, force }) => {
    const client = await context.connect();
    const isWanted = ({ isAnonymous }: Volume) => all || isAnonymous;
    if (!force) {
      const found = await unusedVolumes(context.kernel, client, isWanted);
      const names = new Set(found.map(({ name }) => name));
      if (names.size === 0 || !(await mayRemove(context, { names: [...names], what: "volume" }))) return 0;
      return await prune((volume) => names.has(volume.name) && isWanted(volume));
    }
    return await prune(isWanted);

    async function prune(isMeant: (volume: Volume) => boolean): Promise<number> {
      const removed = await pruneVolumes(context.kernel, client, isMeant);
      await context.print(removed.map((name) => `${name}\n`).join(""));
      return 0;
    }
  },
});
