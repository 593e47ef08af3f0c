import { findContainer, requireStatus } from "../../../lib/client/containers.ts";
import { STOP_SIGNAL_LABEL } from "../../../lib/client/create.ts";
import { stopTask } from "../../../lib/client/stop.ts";
import { SIGNALS } from "../../../lib/linux/constants/processes.ts";
import { parseDuration } from "../../duration.ts";
import { type Flag, last } from "../../flags.ts";
import { signalNumber } from "../../runtime/signals.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";
import { signalFlag } from "../signal-flag.ts";

const DEFAULT_GRACE = "10s";

const graceFlag: Flag<number> = {
  summary: "how long to wait before SIGKILL: seconds, or a duration such as 1m",
  kind: "text",
  short: "t",
  label: "TIME",
  defaultText: DEFAULT_GRACE,
  parse: (texts) => {
    const given = last(texts) ?? DEFAULT_GRACE;
    const ms = parseDuration(/^\d+$/.test(given) ? `${given}s` : given);
    if (ms >= 0) return ms;
    throw new TypeError("must not be less than nothing");
  },
};

export const stopCommand = ctrCommand({
  name: "stop",
  summary: "ask containers to end, and end those that do not",
  description:
    "The first process gets the signal that the image names, or SIGTERM, and after some time all get SIGKILL. The container " +
    "stays: tsctr start runs it again, tsctr rm removes it.",
  args: { ids: several("container", "its id, or the begin of it") },
  flags: { time: graceFlag, signal: signalFlag("the signal to send, instead of the image's") },
  run: async (context, { ids }, { time: graceMs, signal }) => {
    const client = await context.connect();
    return await forEach(context, ids, async (given) => {
      const container = await findContainer(client, given);
      await requireStatus(client, container, { doing: "stop", statuses: ["running", "paused", "stopped"] });
      const own = signalNumber(container.labels[STOP_SIGNAL_LABEL] ?? "") ?? SIGNALS.SIGTERM;
      await stopTask(client, container, { signal: signal ?? own, graceMs });
      return container.id;
    });
  },
});
