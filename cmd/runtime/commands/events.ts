import { ContainerError } from "../../../lib/errors.ts";
import { command } from "../../command.ts";
import { parseDuration } from "../../duration.ts";
import { boolean, type Flag, last } from "../../flags.ts";
import { containerId } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";
import { eventLine } from "../event-json.ts";

/** Milliseconds. */
const interval: Flag<number> = {
  summary: "how often to print statistics, e.g. 500ms or 1m30s",
  kind: "text",
  label: "DURATION",
  defaultText: "5s",
  parse: (texts) => parseDuration(last(texts) ?? "5s"),
};

export const eventsCommand = command({
  name: "events",
  summary: "print statistics and out-of-memory events of a container as JSON lines",
  description: "Ends when the container stops.",
  examples: [
    { command: "events web", summary: "print statistics every 5 seconds, and each out-of-memory kill" },
    { command: "events --stats web", summary: "print the statistics once" },
  ],
  args: { id: containerId },
  flags: { interval, stats: boolean("print the statistics once and end") },
  run: async (context: RuntimeContext, args, flags) => {
    if (flags.interval <= 0) throw new ContainerError("invalid_argument", "duration interval must be greater than 0");
    const { readStats, watchEvents } = await import("../../../lib/runtime/events.ts");
    if (flags.stats) {
      await context.print(eventLine(readStats(context.options, args.id)));
      return 0;
    }
    for await (const event of watchEvents(context.options, args.id, flags.interval)) {
      await context.print(eventLine(event));
    }
    return 0;
  },
});
