import { DEFAULT_SNAPSHOTTER } from "../../../lib/client/images/snapshots.ts";
import { path } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { importFile } from "./import.ts";

export const loadCommand = ctrCommand({
  name: "load",
  summary: "as import, of standard input or of the file that an option names",
  examples: [{ command: "load < images.tar", summary: "what tsctr save or docker save has written" }],
  args: {},
  flags: { input: path("the archive", { short: "i", label: "FILE" }) },
  run: async (context, _args, { input = "-" }) => {
    const none = { baseName: undefined, platform: undefined, snapshotter: DEFAULT_SNAPSHOTTER };
    return await importFile(context, input, { ...none, noUnpack: false, format: "text" });
  },
});
