import { hostAddress, readNetworkStatus } from "../../../lib/client/network-status.ts";
import { specArgs } from "../../../lib/client/spec/read-spec.ts";
import { type Listed, listContainers } from "../../../lib/client/tasks.ts";
import { toMs } from "../../../lib/client/time.ts";
import { boolean, type Flag, last, repeated } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { formatFlag, printList, quietFlag } from "../listing.ts";
import { ageText } from "../units.ts";

const countFlag: Flag<number | undefined> = {
  summary: "only so many of the newest, whatever their status",
  kind: "number",
  short: "n",
  parse: (texts) => {
    const given = last(texts);
    if (given === undefined) return undefined;
    if (/^\d{1,6}$/.test(given)) return Number(given);
    throw new TypeError("must be a number of containers");
  },
};

export const psCommand = ctrCommand({
  name: "ps",
  summary: "list containers",
  description: "Without an option those that run or are paused.",
  examples: [
    { command: "ps --all", summary: "those that have ended, too" },
    { command: "ps --all --filter 'labels.tier==web'", summary: "those with a label" },
  ],
  args: {},
  flags: {
    all: boolean("list all containers", { short: "a" }),
    latest: boolean("only the newest one, whatever its status", { short: "l" }),
    last: countFlag,
    noTrunc: boolean("cut nothing, however wide the terminal is"),
    filter: repeated("containerd's filter, e.g. image~=busybox; several are alternatives", { short: "f" }),
    quiet: quietFlag("ids"),
    format: formatFlag,
  },
  run: async (context, _args, { all, latest, last: count, noTrunc, filter, quiet, format }) => {
    const listed = await listContainers(await context.connect(), filter);
    const newest = latest ? 1 : count;
    // As docker has it: who asks for the newest wants to see it.
    const isShown = ({ status }: Listed) => all || newest !== undefined || status === "running" || status === "paused";
    const shown = listed.filter(isShown).slice(0, newest);
    const ageOf = (ms: number | undefined) => (ms === undefined ? "" : ageText(context.now() - ms));
    const ports = new Map(shown.flatMap(({ container }) => portsText(container)));
    await printList(context, shown, {
      format,
      isWhole: noTrunc,
      quiet: quiet && (({ container }) => container.id),
      columns: [
        { title: "ID", cell: ({ container }) => container.id, canShrink: true },
        { title: "IMAGE", cell: ({ container }) => container.image, canShrink: true },
        { title: "COMMAND", cell: ({ container }) => specArgs(container).join(" "), canShrink: true },
        { title: "CREATED", cell: ({ container }) => ageOf(toMs(container.createdAt)) },
        { title: "STATUS", cell: (each) => statusText(each, ageOf) },
        {
          title: "PID",
          cell: ({ task }) => (task === undefined || task.pid === 0 ? "" : String(task.pid)),
          isRight: true,
        },
        ...(ports.size === 0
          ? []
          : [{ title: "PORTS", cell: ({ container }: Listed) => ports.get(container.id) ?? "", canShrink: true }]),
      ],
      describe,
    });
    return 0;
  },
});

/** By id the ports of the host that lead into a container; nothing where there are none. */
function portsText(container: Listed["container"]): readonly (readonly [string, string])[] {
  const { ports = [] } = readNetworkStatus(container) ?? {};
  const texts = ports.map((port) => `${hostAddress(port)}->${port.containerPort}/${port.protocol}`);
  return texts.length === 0 ? [] : [[container.id, texts.join(", ")]];
}

function statusText({ status, task }: Listed, ageOf: (ms: number | undefined) => string): string {
  if (status !== "stopped") return { created: "Created", running: "Up", paused: "Paused", unknown: "Unknown" }[status];
  return `Exited (${task?.exitStatus ?? 0}) ${ageOf(toMs(task?.exitedAt ?? null))}`.trim();
}

function describe({ container, task, status }: Listed) {
  const { id, image, labels, runtime, snapshotter, snapshotKey } = container;
  const created = toMs(container.createdAt);
  const exited = toMs(task?.exitedAt ?? null);
  return {
    ...{ id, image, command: specArgs(container), status, pid: task?.pid, labels, runtime: runtime?.name },
    ...{ snapshotter, snapshotKey, createdAt: created === undefined ? undefined : new Date(created).toISOString() },
    ...(status === "stopped" ? { exitStatus: task?.exitStatus } : {}),
    ...(exited === undefined ? {} : { exitedAt: new Date(exited).toISOString() }),
  };
}
