import type { Client } from "../../lib/client/client.ts";
import { STOP_SIGNAL_LABEL, STOP_TIMEOUT_LABEL } from "../../lib/client/create.ts";
import { stopTask } from "../../lib/client/stop.ts";
import type { Container } from "../../lib/client/tasks.ts";
import { SIGNALS } from "../../lib/linux/constants/processes.ts";
import { parseDuration } from "../duration.ts";
import { type Flag, last } from "../flags.ts";
import { signalNumber } from "../runtime/signals.ts";

const DEFAULT_GRACE_MS = 10_000;

/** `--time` of `stop` and `restart`. */
export const graceFlag: Flag<number | undefined> = {
  summary: "how long to wait before SIGKILL: seconds, or a duration such as 1m",
  kind: "text",
  short: "t",
  label: "TIME",
  defaultText: "the container's, or 10s",
  parse: (texts) => {
    const given = last(texts);
    if (given === undefined) return undefined;
    const ms = parseDuration(/^\d+$/.test(given) ? `${given}s` : given);
    if (ms >= 0) return ms;
    throw new TypeError("must not be less than nothing");
  },
};

/** Stops a container by its own signal, unless there is another one. @throws {ContainerError} */
export async function stopContainer(
  client: Client,
  container: Container,
  { signal, graceMs }: { readonly signal: number | undefined; readonly graceMs: number | undefined },
): Promise<void> {
  const own = signalNumber(container.labels[STOP_SIGNAL_LABEL] ?? "") ?? SIGNALS.SIGTERM;
  await stopTask(client, container, { signal: signal ?? own, graceMs: graceMs ?? graceOf(container) });
}

/** What `--stop-timeout` has said; -1 is for ever. */
function graceOf({ labels }: Container): number {
  const text = labels[STOP_TIMEOUT_LABEL] ?? "";
  if (text === "-1") return FOR_EVER_MS;
  return /^\d{1,6}$/.test(text) ? Number(text) * 1000 : DEFAULT_GRACE_MS;
}

/** As long as a timer can be. */
const FOR_EVER_MS = 2_147_483_647;
