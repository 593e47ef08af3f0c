import type { Command } from "../command.ts";
import type { RuntimeContext } from "./context.ts";

type Loader = () => Promise<Command<RuntimeContext>>;

/** The commands of tsrun by name; each is loaded when it is called. */
export const COMMANDS: Readonly<Record<string, Loader>> = {
  checkpoint: async () => (await import("./commands/checkpoint.ts")).checkpointCommand,
  completion: async () => (await import("./commands/completion.ts")).completionCommand,
  create: async () => (await import("./commands/create.ts")).createCommand,
  delete: async () => (await import("./commands/delete.ts")).deleteCommand,
  doctor: async () => (await import("./commands/doctor.ts")).doctorCommand,
  events: async () => (await import("./commands/events.ts")).eventsCommand,
  exec: async () => (await import("./commands/exec.ts")).execCommand,
  explain: async () => (await import("./commands/explain.ts")).explainCommand,
  features: async () => (await import("./commands/features.ts")).featuresCommand,
  kill: async () => (await import("./commands/kill.ts")).killCommand,
  list: async () => (await import("./commands/list.ts")).listCommand,
  pause: async () => (await import("./commands/pause.ts")).pauseCommand,
  ps: async () => (await import("./commands/ps.ts")).psCommand,
  restore: async () => (await import("./commands/restore.ts")).restoreCommand,
  resume: async () => (await import("./commands/resume.ts")).resumeCommand,
  run: async () => (await import("./commands/run.ts")).runCommand,
  spec: async () => (await import("./commands/spec.ts")).specCommand,
  start: async () => (await import("./commands/start.ts")).startCommand,
  state: async () => (await import("./commands/state.ts")).stateCommand,
  update: async () => (await import("./commands/update.ts")).updateCommand,
  validate: async () => (await import("./commands/validate.ts")).validateCommand,
};

/** Finds a command; names such as `constructor` are not commands. */
export function findCommand(name: string): Loader | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
}
