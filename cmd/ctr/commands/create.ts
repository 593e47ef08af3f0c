import { boolean } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { containerFlags } from "../run-flags.ts";
import { pullFlag, runArgs } from "./run.ts";

export const createCommand = ctrCommand({
  name: "create",
  summary: "make a container of an image, and print its name",
  description: "The options are those of run; tsctr start runs the program, and tsctr start -ai stays with it.",
  examples: [{ command: "create --name web -p 8080:80 nginx", summary: "a container that tsctr start web starts" }],
  exitStatuses: [{ status: "125", meaning: "the container could not be made" }],
  stopAtPositional: true,
  args: runArgs,
  flags: {
    interactive: boolean("with a standard input that can be attached to", { short: "i" }),
    tty: boolean("give the program a terminal", { short: "t" }),
    pull: pullFlag,
    ...containerFlags,
  },
  run: async (context, { image, commandLine: command }, flags) => {
    const { create } = await import("../run.ts");
    return await create(context, { image, command }, flags);
  },
});
