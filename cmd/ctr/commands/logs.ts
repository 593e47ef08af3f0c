import { api } from "../../../lib/client/api.ts";
import type { Client } from "../../../lib/client/client.ts";
import { findContainer, findTask } from "../../../lib/client/containers.ts";
import type { LogEntry } from "../../../lib/client/logs/entries.ts";
import { logPathOf } from "../../../lib/client/logs/place.ts";
import { readLog } from "../../../lib/client/logs/read.ts";
import { ContainerError } from "../../../lib/errors.ts";
import { required } from "../../args.ts";
import { parseDuration } from "../../duration.ts";
import { boolean, type Flag, last, oneOf } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { printEntries } from "../log-output.ts";

export const logsCommand = ctrCommand({
  name: "logs",
  summary: "print what a container has written",
  description:
    "Of a container in the background, whose outputs the shim keeps in a file. What was written to standard error goes to " +
    "standard error.",
  examples: [
    { command: "logs --follow --tail 10 web", summary: "the last ten lines, and those that come" },
    { command: "logs --since 15m --timestamps web", summary: "those of the last quarter of an hour, with their times" },
  ],
  args: { id: required("container", "its id, or the begin of it", (given) => given) },
  flags: {
    follow: boolean("go on until the container ends", { short: "f" }),
    tail: tailFlag(),
    since: timeFlag("only what was written after this: a time, or a duration before now"),
    until: timeFlag("only what was written before this"),
    timestamps: boolean("print the time in front of each line", { short: "t" }),
    format: oneOf(["text", "json"], "how to print, json being an object a line"),
  },
  run: async (context, { id: given }, { follow, tail, since, until, timestamps, format }) => {
    const client = await context.connect();
    const container = await findContainer(client, given);
    const { id } = container;
    const task = await findTask(client, id);
    const range = { tail, sinceMs: since?.(context.now()), untilMs: until?.(context.now()) };
    const ended = follow && task !== undefined ? awaitEnd(client, id) : undefined;
    const write = timestamps ? withTimes() : ({ log }: LogEntry) => log;
    for await (const entries of readLog(context.kernel, logPathOf(container, task), range, ended)) {
      if (format === "json") await context.print(entries.map(jsonOf).join(""));
      else await printEntries(context, entries, write);
    }
    return 0;
  },
});

function jsonOf(entry: LogEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

/** The time stands where a line begins: one may have come in parts. */
function withTimes(): (entry: LogEntry) => string {
  const isWithin: Record<LogEntry["stream"], boolean> = { stdout: false, stderr: false };
  return ({ stream, time, log }) => {
    const begins = !isWithin[stream];
    isWithin[stream] = !log.endsWith("\n");
    return begins && time !== "" ? `${time} ${log}` : log;
  };
}

/** Resolves when the task has ended, or is gone. */
async function awaitEnd(client: Client, id: string): Promise<void> {
  try {
    await client.call(api.tasks.wait, { containerId: id }, {});
  } catch (error) {
    if (!(error instanceof ContainerError && error.code === "not_found")) throw error;
  }
}

function tailFlag(): Flag<number | undefined> {
  return {
    summary: "only so many of the last lines",
    kind: "text",
    short: "n",
    label: "COUNT",
    defaultText: "all",
    parse: (texts) => {
      const given = last(texts) ?? "all";
      if (given === "all") return undefined;
      if (/^\d{1,9}$/.test(given)) return Number(given);
      throw new TypeError("must be all, or a number of lines");
    },
  };
}

/** Gives the milliseconds since 1970 at a moment in time. */
function timeFlag(summary: string): Flag<((nowMs: number) => number) | undefined> {
  return {
    summary,
    kind: "text",
    label: "TIME",
    parse: (texts) => {
      const given = last(texts);
      if (given === undefined) return undefined;
      if (/^\d{4}-\d\d-\d\d/.test(given) && !Number.isNaN(Date.parse(given))) return () => Date.parse(given);
      if (/^\d{9,}(?:\.\d+)?$/.test(given)) return () => Number(given) * 1000;
      const durationMs = parseTimeDuration(given);
      return (nowMs) => nowMs - durationMs;
    },
  };
}

function parseTimeDuration(given: string): number {
  try {
    return parseDuration(given);
  } catch (error) {
    throw new TypeError("must be a time such as 2026-01-02T15:04:05Z, or a duration such as 10m", { cause: error });
  }
}
