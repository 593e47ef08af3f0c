import { required } from "../../args.ts";
import { command } from "../../command.ts";
import { renderCompletion, SHELLS, type Shell } from "../../completion.ts";
import { UsageError } from "../../usage-error.ts";
import type { RuntimeContext } from "../context.ts";

export const completionCommand = command({
  name: "completion",
  summary: "print a script for a shell's completion",
  description: "It completes commands, options, their values and ids of containers.",
  examples: [
    { command: "completion bash > /etc/bash_completion.d/tsrun", summary: "for every user of bash" },
    { command: "completion fish > ~/.config/fish/completions/tsrun.fish", summary: "for your own fish" },
    { command: "completion zsh > ~/.zfunc/_tsrun", summary: "for your own zsh, with ~/.zfunc in fpath" },
  ],
  args: { shell: required("shell", `${SHELLS.join(", ")}`, parseShell) },
  flags: {},
  run: async (context: RuntimeContext, args) => {
    await context.print(renderCompletion(args.shell, await context.describe()));
    return 0;
  },
});

function parseShell(given: string): Shell {
  const shell = SHELLS.find((name) => name === given);
  if (shell !== undefined) return shell;
  throw new UsageError(`unknown shell ${JSON.stringify(given)}: must be ${SHELLS.join(", ")}`);
}
