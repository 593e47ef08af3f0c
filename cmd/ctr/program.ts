import type { CtrCommand } from "./command.ts";
import { nounOf } from "./nouns.ts";

type Loader = () => Promise<CtrCommand>;

/** The commands of tsctr by name; each is loaded when it is called. */
export const COMMANDS: Readonly<Record<string, Loader>> = {
  attach: async () => (await import("./commands/attach.ts")).attachCommand,
  commit: async () => (await import("./commands/commit.ts")).commitCommand,
  complete: async () => (await import("./commands/complete.ts")).completeCommand,
  completion: async () => (await import("./commands/completion.ts")).completionCommand,
  "content get": async () => (await import("./commands/content-get.ts")).contentGetCommand,
  "content ingests": async () => (await import("./commands/content-ingests.ts")).contentIngestsCommand,
  "content label": async () => (await import("./commands/content-label.ts")).contentLabelCommand,
  "content ls": async () => (await import("./commands/content-ls.ts")).contentLsCommand,
  "content rm": async () => (await import("./commands/content-rm.ts")).contentRmCommand,
  cp: async () => (await import("./commands/cp.ts")).cpCommand,
  create: async () => (await import("./commands/create.ts")).createCommand,
  df: async () => (await import("./commands/df.ts")).dfCommand,
  events: async () => (await import("./commands/events.ts")).eventsCommand,
  exec: async () => (await import("./commands/exec.ts")).execCommand,
  explain: async () => (await import("./commands/explain.ts")).explainCommand,
  export: async () => (await import("./commands/export.ts")).exportCommand,
  history: async () => (await import("./commands/history.ts")).historyCommand,
  "images ls": async () => (await import("./commands/images-ls.ts")).imagesLsCommand,
  import: async () => (await import("./commands/import.ts")).importCommand,
  info: async () => (await import("./commands/info.ts")).infoCommand,
  inspect: async () => (await import("./commands/inspect.ts")).inspectCommand,
  kill: async () => (await import("./commands/kill.ts")).killCommand,
  "leases create": async () => (await import("./commands/leases-create.ts")).leasesCreateCommand,
  "leases info": async () => (await import("./commands/leases-info.ts")).leasesInfoCommand,
  "leases ls": async () => (await import("./commands/leases-ls.ts")).leasesLsCommand,
  "leases rm": async () => (await import("./commands/leases-rm.ts")).leasesRmCommand,
  load: async () => (await import("./commands/load.ts")).loadCommand,
  logs: async () => (await import("./commands/logs.ts")).logsCommand,
  "namespaces create": async () => (await import("./commands/namespaces-create.ts")).namespacesCreateCommand,
  "namespaces label": async () => (await import("./commands/namespaces-label.ts")).namespacesLabelCommand,
  "namespaces ls": async () => (await import("./commands/namespaces-ls.ts")).namespacesLsCommand,
  "namespaces rm": async () => (await import("./commands/namespaces-rm.ts")).namespacesRmCommand,
  pause: async () => (await import("./commands/pause.ts")).pauseCommand,
  port: async () => (await import("./commands/port.ts")).portCommand,
  prune: async () => (await import("./commands/prune.ts")).pruneCommand,
  ps: async () => (await import("./commands/ps.ts")).psCommand,
  pull: async () => (await import("./commands/pull.ts")).pullCommand,
  push: async () => (await import("./commands/push.ts")).pushCommand,
  restart: async () => (await import("./commands/restart.ts")).restartCommand,
  resume: async () => (await import("./commands/resume.ts")).resumeCommand,
  rm: async () => (await import("./commands/rm.ts")).rmCommand,
  rmi: async () => (await import("./commands/rmi.ts")).rmiCommand,
  run: async () => (await import("./commands/run.ts")).runCommand,
  "snapshots info": async () => (await import("./commands/snapshots-info.ts")).snapshotsInfoCommand,
  "snapshots ls": async () => (await import("./commands/snapshots-ls.ts")).snapshotsLsCommand,
  "snapshots rm": async () => (await import("./commands/snapshots-rm.ts")).snapshotsRmCommand,
  start: async () => (await import("./commands/start.ts")).startCommand,
  stats: async () => (await import("./commands/stats.ts")).statsCommand,
  stop: async () => (await import("./commands/stop.ts")).stopCommand,
  tag: async () => (await import("./commands/tag.ts")).tagCommand,
  top: async () => (await import("./commands/top.ts")).topCommand,
  update: async () => (await import("./commands/update.ts")).updateCommand,
  version: async () => (await import("./commands/version.ts")).versionCommand,
  "volumes create": async () => (await import("./commands/volumes-create.ts")).volumesCreateCommand,
  "volumes inspect": async () => (await import("./commands/volumes-inspect.ts")).volumesInspectCommand,
  "volumes ls": async () => (await import("./commands/volumes-ls.ts")).volumesLsCommand,
  "volumes prune": async () => (await import("./commands/volumes-prune.ts")).volumesPruneCommand,
  "volumes rm": async () => (await import("./commands/volumes-rm.ts")).volumesRmCommand,
  wait: async () => (await import("./commands/wait.ts")).waitCommand,
};

/** A noun alone lists, and other words for nouns, as ctr and docker have them. */
const ALIASES: Readonly<Record<string, string>> = {
  content: "content ls",
  images: "images ls",
  "images export": "export",
  "images history": "history",
  "images import": "import",
  "images load": "load",
  "images pull": "pull",
  "images push": "push",
  "images rm": "rmi",
  "images save": "export",
  "images tag": "tag",
  leases: "leases ls",
  namespaces: "namespaces ls",
  save: "export",
  snapshots: "snapshots ls",
  "system df": "df",
  "system events": "events",
  "system info": "info",
  "system prune": "prune",
  unpause: "resume",
  volumes: "volumes ls",
};

/** A command and what follows its name. */
export interface Found {
  readonly name: string;
  readonly load: Loader;
  readonly rest: readonly string[];
}

/** The command that a line names; undefined when there is none. */
export function findCommand(words: readonly string[]): Found | undefined {
  const [first = "", second, ...rest] = words;
  // docker container ls, docker container rm: the noun that goes without saying.
  if (CONTAINER.includes(first)) return look(second === undefined || isList(second) ? "ps" : second, rest);
  const noun = nounOf(first);
  const verb = second !== undefined && isList(second) ? "ls" : (second ?? "");
  const both = `${noun} ${verb}`;
  const found = look(ALIASES[both] ?? both, rest);
  // A noun with another verb is not the noun alone.
  if (found !== undefined || (VERBLESS.test(verb) === false && hasVerbs(noun))) return found;
  return look(ALIASES[noun] ?? noun, words.slice(1));
}

/** What a line names that names no command. */
export function unknownName([first = "", second = ""]: readonly string[]): string {
  if (CONTAINER.includes(first)) return second;
  return hasVerbs(nounOf(first)) ? `${nounOf(first)} ${second}` : first;
}

const CONTAINER = ["container", "containers"];
/** Nothing, or an option. */
const VERBLESS = /^(?:-|$)/;

function isList(word: string): boolean {
  return word === "ls" || word === "list";
}

function hasVerbs(noun: string): boolean {
  return Object.keys(COMMANDS).some((name) => name.startsWith(`${noun} `));
}

function look(name: string, rest: readonly string[]): Found | undefined {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return load === undefined ? undefined : { name, load, rest };
}
