import type { Arg } from "../../args.ts";
import { ctrCommand } from "../command.ts";

const words: Arg<readonly string[]> = {
  label: "[word...]",
  summary: "what has been typed after the program's name; the last one, which may be empty, is completed",
  min: 0,
  max: Number.POSITIVE_INFINITY,
  parse: (texts) => texts,
};

export const completeCommand = ctrCommand({
  name: "complete",
  summary: "print what a word of a command line may become, for the scripts of completion",
  stopAtPositional: true,
  args: { words },
  flags: {},
  run: async (context, args) => {
    const { complete } = await import("../complete.ts");
    const choices = await complete(context, args.words.length === 0 ? [""] : args.words);
    await context.print(choices.map((each) => `${each}\n`).join(""));
    return 0;
  },
});
