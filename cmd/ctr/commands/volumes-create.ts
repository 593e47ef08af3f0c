import { openVolume } from "../../../lib/client/volumes/hold.ts";
import { anonymousName, checkVolumeName, volumesDirectory } from "../../../lib/client/volumes/volume.ts";
import { optional } from "../../args.ts";
import { repeated } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { parsePairs } from "../run-flags.ts";

export const volumesCreateCommand = ctrCommand({
  name: "volumes create",
  summary: "make a volume, and print its name",
  description:
    "run makes volumes that are not there, too; this is for labels, or to have one before. One that is there stays as it is.",
  args: { name: optional("name", "its name; made up if not given", "", (given) => given) },
  flags: { label: repeated("label of the volume: KEY=value", { short: "l" }) },
  run: async (context, { name: given }, { label }) => {
    const name = given === "" ? anonymousName() : given;
    checkVolumeName(name);
    const labels = parsePairs("label", label);
    const directory = await volumesDirectory(await context.connect());
    using held = await openVolume(context.kernel, directory, { name, labels, isAnonymous: given === "" });
    await context.print(`${held.volume.name}\n`);
    return 0;
  },
});
