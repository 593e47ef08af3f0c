import { watchEvents } from "../../../lib/client/events.ts";
import { printable } from "../../../lib/printable.ts";
import { oneOf, repeated } from "../../flags.ts";
import { ctrCommand } from "../command.ts";

export const eventsCommand = ctrCommand({
  name: "events",
  summary: "print what happens, until interrupted",
  description: "In all namespaces, unless a filter says otherwise.",
  examples: [
    { command: "events --filter namespace==default,topic~=/tasks/", summary: "what becomes of tasks" },
    { command: "events --format json", summary: "an object a line" },
  ],
  args: {},
  flags: {
    filter: repeated("containerd's filter, e.g. topic==/tasks/exit; several are alternatives", { short: "f" }),
    format: oneOf(["text", "json"], "how to print"),
  },
  run: async (context, _args, { filter, format }) => {
    for await (const { timeMs, namespace, topic, event } of watchEvents(await context.connect(), filter)) {
      const time = new Date(timeMs).toISOString();
      const line =
        format === "json"
          ? JSON.stringify({ time, namespace, topic, event })
          : `${time} ${namespace} ${topic} ${JSON.stringify(event)}`;
      await context.print(`${format === "json" ? line : printable(line)}\n`);
    }
    return 0;
  },
});
