import { io } from "../../../proto/gen/metrics.js";
import { ContainerError } from "../../errors.ts";
import type { ContainerStore } from "../metadata/containers.ts";
import type { Task } from "../tasks/task-manager.ts";
import { measuresV1 } from "./cgroup-v1.ts";
import { measuresV2 } from "./cgroup-v2.ts";
import type { Measure } from "./measure.ts";
import type { Family } from "./text-format.ts";

/** What the cgroups of all tasks have counted, asked side by side; a task that cannot say it is left out. */
export async function containerFamilies(
  tasks: readonly Task[],
  containers: ContainerStore,
): Promise<readonly Family[]> {
  const found = await Promise.all(tasks.map((task) => familiesOf(task, containers)));
  return found.flat();
}

async function familiesOf(task: Task, containers: ContainerStore): Promise<readonly Family[]> {
  const { namespace, id } = task.bundle;
  const measures = await measure(task);
  const runtime = containers.find(namespace, id)?.runtime.name ?? "";
  return measures.map(({ name, help, labels = {}, value }) => ({
    ...{ name: `container_${name}`, help, type: "gauge" },
    samples: [{ labels: { container_id: id, namespace, runtime, ...labels }, value }],
  }));
}

async function measure({ shim }: Task): Promise<readonly Measure[]> {
  try {
    const { stats } = await shim.stats();
    return decode(stats?.typeUrl ?? "", stats?.value ?? new Uint8Array());
  } catch (error) {
    // It has ended, or its shim hangs.
    if (error instanceof ContainerError) return [];
    throw error;
  }
}

/** The type may stand behind the name of a site. */
function decode(typeUrl: string, value: Uint8Array): readonly Measure[] {
  switch (typeUrl.slice(typeUrl.lastIndexOf("/") + 1)) {
    case "io.containerd.cgroups.v1.Metrics":
      return measuresV1(io.containerd.cgroups.v1.Metrics.decode(value));
    case "io.containerd.cgroups.v2.Metrics":
      return measuresV2(io.containerd.cgroups.v2.Metrics.decode(value));
    default:
      return [];
  }
}
