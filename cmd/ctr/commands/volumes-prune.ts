import { pruneVolumes, unusedVolumes } from "../../../lib/client/volumes/use.ts";
import type { Volume } from "../../../lib/client/volumes/volume.ts";
import { findAttributes } from "../../../lib/linux/terminal.ts";
import { boolean } from "../../flags.ts";
import { UsageError } from "../../usage-error.ts";
import { ctrCommand } from "../command.ts";
import type { CtrContext } from "../context.ts";

const STDIN = 0;

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
      if (found.length === 0 || !(await mayRemove(context, found))) return 0;
      const names = new Set(found.map(({ name }) => name));
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

/** Asks whoever sits at the terminal. @throws {UsageError} when nobody does */
async function mayRemove(context: CtrContext, volumes: readonly Volume[]): Promise<boolean> {
  if (findAttributes(context.kernel, STDIN) === undefined) {
    throw new UsageError("nobody can be asked whether to remove volumes: use --force");
  }
  for (const { name } of volumes) context.printError(`${name}\n`);
  context.printError(`Remove ${volumes.length === 1 ? "this volume" : `these ${volumes.length} volumes`}? [y/N] `);
  for await (const line of console) return /^y(?:es)?$/i.test(line.trim());
  return false;
}
