import { findContainer, findTask } from "../../../lib/client/containers.ts";
import { LOG_LABEL, RESTART_LOG_LABEL } from "../../../lib/client/logs/place.ts";
import { cpuLimits } from "../../../lib/client/spec/cpu-limits.ts";
import type { Container, Process } from "../../../lib/client/tasks.ts";
import { updateContainer } from "../../../lib/client/update.ts";
import type { LinuxResources } from "../../../lib/spec/resources.ts";
import type { Values } from "../../flags.ts";
import { UsageError } from "../../usage-error.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";
import { containerFlags, restartLabels } from "../run-flags.ts";

const { memory, memorySwap, memoryReservation, cpus, cpuShares, cpusetCpus, cpusetMems, pidsLimit } = containerFlags;
const { blkioWeight, restart } = containerFlags;
const flags = {
  ...{
    memory,
    memorySwap,
    memoryReservation,
    cpus,
    cpuShares,
    cpusetCpus,
    cpusetMems,
    pidsLimit,
    blkioWeight,
    restart,
  },
};

export const updateCommand = ctrCommand({
  name: "update",
  summary: "change limits of containers, and whether they are restarted",
  description: "Of a task that runs, at once; and of those that are started later. What is not named stays.",
  examples: [{ command: "update -m 512m --cpus 2 web", summary: "more of both" }],
  args: { ids: several("container", "its id, or the begin of it") },
  flags,
  run: async (context, { ids }, given) => {
    const resources = toResources(given);
    if (Object.keys(resources).length === 0 && given.restart === undefined) {
      throw new UsageError("there is nothing to change: name a limit, or --restart");
    }
    // A policy that is none is refused before anything is changed.
    restartLabels(given.restart);
    const client = await context.connect();
    return await forEach(context, ids, async (id) => {
      const container = await findContainer(client, id);
      const labels =
        given.restart === undefined ? {} : labelsFor(container, await findTask(client, container.id), given.restart);
      await updateContainer(client, container, { resources, labels });
      return container.id;
    });
  },
});

function toResources(given: Omit<Values<typeof flags>, "restart">): LinuxResources {
  const memoryLimits = withoutAbsent({
    ...{ limit: given.memory, swap: given.memorySwap, reservation: given.memoryReservation },
  });
  const cpu = withoutAbsent({
    ...{ ...cpuLimits(given.cpus), shares: given.cpuShares, cpus: given.cpusetCpus, mems: given.cpusetMems },
  });
  const pids = given.pidsLimit === undefined ? undefined : { limit: given.pidsLimit || -1 };
  const blockIO = given.blkioWeight === undefined ? undefined : { weight: given.blkioWeight };
  return withoutAbsent({ memory: memoryLimits, cpu, pids, blockIO }) ?? {};
}

/** The fields that have values; undefined when there are none. */
function withoutAbsent<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T | undefined {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return given.length === 0 ? undefined : (Object.fromEntries(given) as T);
}

const RESTART_LABELS = ["containerd.io/restart.status", "containerd.io/restart.policy"];

/** Labels of the restart monitor; without a value there is nothing to look after. */
function labelsFor({ labels }: Container, task: Process | undefined, policy: string): Readonly<Record<string, string>> {
  if (policy === "no") return Object.fromEntries(RESTART_LABELS.map((label) => [label, ""]));
  // What the shim has taken for the outputs it takes again.
  const log = [task?.stdout, labels[LOG_LABEL]].find((uri) => uri?.includes("://"));
  return { ...restartLabels(policy), ...(log === undefined ? {} : { [RESTART_LOG_LABEL]: log }) };
}
