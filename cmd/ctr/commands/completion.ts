import { required } from "../../args.ts";
import { SHELLS, type Shell } from "../../completion.ts";
import { UsageError } from "../../usage-error.ts";
import { ctrCommand } from "../command.ts";

/** The shell asks this program for each word, so that containers and images are completed, too. */
const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_tsctr() {
  local IFS=$'\\n'
  COMPREPLY=($(tsctr complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _tsctr tsctr
`,
  zsh: `#compdef tsctr
_tsctr() {
  local -a found
  found=("\${(@f)$(tsctr complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a found || _files
}
compdef _tsctr tsctr
`,
  fish: `complete -c tsctr -a "(tsctr complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)"
`,
};

export const completionCommand = ctrCommand({
  name: "completion",
  summary: "print a script for a shell's completion",
  description: "It completes commands, options, their values, containers and images.",
  examples: [
    { command: "completion bash > /etc/bash_completion.d/tsctr", summary: "for every user of bash" },
    { command: "completion fish > ~/.config/fish/completions/tsctr.fish", summary: "for your own fish" },
    { command: "completion zsh > ~/.zfunc/_tsctr", summary: "for your own zsh, with ~/.zfunc in fpath" },
  ],
  args: { shell: required("shell", SHELLS.join(", "), parseShell) },
  flags: {},
  run: async (context, { shell }) => {
    await context.print(SCRIPTS[shell]);
    return 0;
  },
});

function parseShell(given: string): Shell {
  const shell = SHELLS.find((name) => name === given);
  if (shell !== undefined) return shell;
  throw new UsageError(`unknown shell ${JSON.stringify(given)}: must be ${SHELLS.join(", ")}`);
}
