import type { Client } from "../../lib/client/client.ts";
import { STOP_SIGNAL_LABEL } from "../../lib/client/create.ts";
import { stopTask } from "../../lib/client/stop.ts";
import type { Container } from "../../lib/client/tasks.ts";
import { SIGNALS } from "../../lib/linux/constants/processes.ts";
import { parseDuration } from "../duration.ts";
import { type Flag, last } from "../flags.ts";
import { signalNumber } from "../runtime/signals.ts";

const DEFAULT_GRACE = "10s";

/** `--time` of `stop` and `restart`. */
export const graceFlag: Flag<number> = {
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

/** Stops a container by its own signal, unless there is another one. @throws {ContainerError} */
export async function stopContainer(
  client: Client,
  container: Container,
  { signal, graceMs }: { readonly signal: number | undefined; readonly graceMs: number },
): Promise<void> {
  const own = signalNumber(container.labels[STOP_SIGNAL_LABEL] ?? "") ?? SIGNALS.SIGTERM;
  await stopTask(client, container, { signal: signal ?? own, graceMs });
}
