import { usersOfVolumes } from "../../../lib/client/volumes/use.ts";
import { listVolumes, volumesDirectory } from "../../../lib/client/volumes/volume.ts";
import { repeated } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { formatFlag, printList, quietFlag } from "../listing.ts";
import { ageText } from "../units.ts";
import { describeVolume, parseVolumeFilters } from "../volumes.ts";

export const volumesLsCommand = ctrCommand({
  name: "volumes ls",
  summary: "list volumes, and the containers that mount them",
  examples: [{ command: "volumes ls --filter dangling=true", summary: "those that no container mounts" }],
  args: {},
  flags: {
    filter: repeated("dangling=true, name=TEXT, label=KEY[=value]; of one kind any, of several all", { short: "f" }),
    format: formatFlag,
    quiet: quietFlag("names"),
  },
  run: async (context, _args, { filter, format, quiet }) => {
    const isWanted = parseVolumeFilters(filter);
    const client = await context.connect();
    const directory = await volumesDirectory(client);
    const users = await usersOfVolumes(client, directory);
    const volumes = listVolumes(context.kernel, directory).filter((volume) => isWanted(volume, users));
    await printList(context, volumes, {
      format,
      quiet: quiet && (({ name }) => name),
      columns: [
        { title: "NAME", cell: ({ name }) => name, canShrink: true },
        { title: "CREATED", cell: ({ createdAt }) => age(context.now(), createdAt) },
        { title: "USED BY", cell: ({ name }) => (users.get(name) ?? []).join(","), canShrink: true },
      ],
      describe: (volume) => describeVolume(volume, users),
    });
    return 0;
  },
});

function age(nowMs: number, createdAt: string | undefined): string {
  return createdAt === undefined ? "" : ageText(nowMs - Date.parse(createdAt));
}
