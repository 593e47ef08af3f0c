import type { CommandSpec } from "./command.ts";
import type { Flag, Flags } from "./flags.ts";
import type { ProgramSpec } from "./help.ts";
import { flagWords } from "./man.ts";

/** The shells there is a completion for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

export type Shell = (typeof SHELLS)[number];

/** A script for a shell's completion: commands, options, words of closed sets, files, and ids of containers. */
export function renderCompletion(shell: Shell, spec: ProgramSpec): string {
  switch (shell) {
    case "bash":
      return renderBash(spec);
    case "zsh":
      // zsh takes bash's completions, and has its own menu for them.
      return `#compdef ${spec.name}\nautoload -U +X bashcompinit && bashcompinit\n${renderBash(spec)}`;
    case "fish":
      return renderFish(spec);
  }
}

/** The first argument of these is no id of a container that is there. */
const NEW_OR_NONE = new Set(["create", "run", "restore", "list", "spec", "features", "explain", "validate", "doctor"]);

function wantsId({ name }: CommandSpec): boolean {
  return !NEW_OR_NONE.has(name) && name !== "completion";
}

function shownFlags(flags: Flags): readonly (readonly [key: string, flag: Flag<unknown>])[] {
  return Object.entries(flags).filter(([, flag]) => flag.hidden !== true);
}

function allWords(flags: Flags): readonly string[] {
  return [...shownFlags(flags).flatMap(([key, flag]) => flagWords(key, flag)), "--help", "-h"];
}

function renderBash(spec: ProgramSpec): string {
  const { name, flags, commands } = spec;
  const fn = `_${name.replaceAll("-", "_")}`;
  const cases = commands.map((each) => bashCommand(fn, each));
  return `# bash completion for ${name}: made by "${name} completion"
${fn}_ids() { ${name} "\${root[@]}" list --quiet 2>/dev/null; }
${fn}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= index=1 root=()
  COMPREPLY=()
  while ((index < COMP_CWORD)); do
    case \${COMP_WORDS[index]} in
      --root) root=(--root "\${COMP_WORDS[index+1]}"); index=$((index + 2)) ;;
      ${valueWords(flags).join("|")}) index=$((index + 2)) ;;
      -*) index=$((index + 1)) ;;
      *) command=\${COMP_WORDS[index]}; break ;;
    esac
  done
  case $command in
    "")
      case $prev in
${bashValues(flags)}
      esac
      COMPREPLY=($(compgen -W "${[...commands.map((each) => each.name), "help", ...allWords(flags)].join(" ")}" -- "$cur")) ;;
    help) COMPREPLY=($(compgen -W "${commands.map((each) => each.name).join(" ")}" -- "$cur")) ;;
${cases.join("\n")}
  esac
}
complete -o default -F ${fn} ${name}
`;
}

/** The options that have a value, but for the one that is looked at. */
function valueWords(flags: Flags): readonly string[] {
  const words = shownFlags(flags).flatMap(([key, flag]) => (flag.kind === "boolean" ? [] : flagWords(key, flag)));
  return words.filter((word) => word !== "--root");
}

function bashCommand(fn: string, spec: CommandSpec): string {
  const words = allWords(spec.flags).join(" ");
  const choices = spec.name === "completion" ? SHELLS.join(" ") : "";
  const ids = wantsId(spec) ? `$(${fn}_ids)` : choices;
  return `    ${spec.name})
      case $prev in
${bashValues(spec.flags)}
      esac
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "${words}" -- "$cur"))
      else COMPREPLY=($(compgen -W "${ids}" -- "$cur")); fi ;;`;
}

function bashValues(flags: Flags): string {
  const lines = shownFlags(flags).flatMap(([key, flag]) => {
    if (flag.kind === "boolean") return [];
    const reply = flag.words === undefined ? (flag.kind === "path" ? "-f" : '-W ""') : `-W "${flag.words.join(" ")}"`;
    return [`        ${flagWords(key, flag).join("|")}) COMPREPLY=($(compgen ${reply} -- "$cur")); return ;;`];
  });
  return lines.length === 0 ? "        *) ;;" : lines.join("\n");
}

function renderFish(spec: ProgramSpec): string {
  const { name, flags, commands } = spec;
  const none = "__fish_use_subcommand";
  const lines = [
    `# fish completion for ${name}: made by "${name} completion"`,
    `complete -c ${name} -f`,
    ...fishFlags(name, flags, none),
    ...commands.flatMap((each) => {
      const seen = `"__fish_seen_subcommand_from ${each.name}"`;
      const ids = wantsId(each) ? [`complete -c ${name} -n ${seen} -a "(${name} list --quiet 2>/dev/null)"`] : [];
      const shells = each.name === "completion" ? [`complete -c ${name} -n ${seen} -a "${SHELLS.join(" ")}"`] : [];
      return [
        `complete -c ${name} -n ${none} -a ${each.name} -d ${quote(each.summary)}`,
        ...ids,
        ...shells,
        ...fishFlags(name, each.flags, seen),
      ];
    }),
  ];
  return `${lines.join("\n")}\n`;
}

function fishFlags(name: string, flags: Flags, condition: string): readonly string[] {
  return shownFlags(flags).map(([key, flag]) => {
    const [long = "", short] = flagWords(key, flag);
    const letter = short === undefined ? "" : ` -s ${short.slice(1)}`;
    const choices = flag.words === undefined ? "" : ` -a ${quote(flag.words.join(" "))}`;
    const value = flag.kind === "boolean" ? "" : flag.kind === "path" ? " -r -F" : ` -x${choices}`;
    return `complete -c ${name} -n ${condition} -l ${long.slice(2)}${letter}${value} -d ${quote(flag.summary)}`;
  });
}

/** fish(1), single quotes: only a backslash and the quote itself mean something. */
function quote(text: string): string {
  return `'${text.replace(/[\\']/g, (letter) => `\\${letter}`)}'`;
}
