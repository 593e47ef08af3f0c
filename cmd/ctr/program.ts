import type { CtrCommand } from "./command.ts";

type Loader = () => Promise<CtrCommand>;

/** The commands of tsctr by name; each is loaded when it is called. */
export const COMMANDS: Readonly<Record<string, Loader>> = {
  "images ls": async () => (await import("./commands/images-ls.ts")).imagesLsCommand,
  info: async () => (await import("./commands/info.ts")).infoCommand,
  logs: async () => (await import("./commands/logs.ts")).logsCommand,
  "namespaces ls": async () => (await import("./commands/namespaces-ls.ts")).namespacesLsCommand,
  ps: async () => (await import("./commands/ps.ts")).psCommand,
  pull: async () => (await import("./commands/pull.ts")).pullCommand,
  push: async () => (await import("./commands/push.ts")).pushCommand,
  version: async () => (await import("./commands/version.ts")).versionCommand,
};

/** A noun alone lists, and other words for nouns, as ctr and docker have them. */
const ALIASES: Readonly<Record<string, string>> = {
  images: "images ls",
  namespaces: "namespaces ls",
};

const NOUNS: Readonly<Record<string, string>> = {
  image: "images",
  i: "images",
  namespace: "namespaces",
  ns: "namespaces",
};

/** A command and what follows its name. */
export interface Found {
  readonly name: string;
  readonly load: Loader;
  readonly rest: readonly string[];
}

/** The command that a line names; undefined when there is none. */
export function findCommand(words: readonly string[]): Found | undefined {
  const [first = "", second = ""] = words;
  const noun = Object.hasOwn(NOUNS, first) ? (NOUNS[first] ?? first) : first;
  return look(`${noun} ${second}`, words.slice(2)) ?? look(ALIASES[noun] ?? noun, words.slice(1));
}

function look(name: string, rest: readonly string[]): Found | undefined {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return load === undefined ? undefined : { name, load, rest };
}
