import { command } from "../../command.ts";
import { boolean } from "../../flags.ts";
import { containerId, signal } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";

export const killCommand = command({
  name: "kill",
  summary: "send a signal to the first process of a container",
  examples: [
    { command: "kill web", summary: "ask the container web to end (SIGTERM)" },
    { command: "kill web KILL", summary: "end it" },
    { command: "kill --all web SIGHUP", summary: "send SIGHUP to each of its processes" },
  ],
  args: { id: containerId, signal: signal("SIGTERM") },
  flags: { all: boolean("send the signal to every process in the container", { short: "a" }) },
  stopAtPositional: true,
  run: async (context: RuntimeContext, args, flags) => {
    const { kill } = await import("../../../lib/runtime/kill.ts");
    kill(context.options, args.id, args.signal, { all: flags.all });
    return 0;
  },
});
