import { usersOfVolumes } from "../../../lib/client/volumes/use.ts";
import { listVolumes, noVolume, volumesDirectory } from "../../../lib/client/volumes/volume.ts";
import { ctrCommand } from "../command.ts";
import { several } from "../each.ts";
import { printJson } from "../listing.ts";
import { describeVolume } from "../volumes.ts";

export const volumesInspectCommand = ctrCommand({
  name: "volumes inspect",
  summary: "print all that is known of volumes, as JSON",
  args: { names: several("volume", "its name") },
  flags: {},
  run: async (context, { names }) => {
    const client = await context.connect();
    const directory = await volumesDirectory(client);
    const users = await usersOfVolumes(client, directory);
    const all = new Map(listVolumes(context.kernel, directory).map((volume) => [volume.name, volume]));
    const described = names.map((name) => {
      const volume = all.get(name);
      if (volume === undefined) throw noVolume(name, client);
      return describeVolume(volume, users);
    });
    await printJson(context, described);
    return 0;
  },
});
