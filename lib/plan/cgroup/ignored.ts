import { propertyPath } from "../../json-pointer.ts";
import type { LinuxResources } from "../../spec/resources.ts";

/** The limits that mean nothing to a version of cgroups, as runc passes over them; each in a sentence for the log. */
export function ignoredResources(resources: LinuxResources, mode: "v1" | "v2"): readonly string[] {
  if (mode === "v1") return [];
  const { memory = {}, cpu = {}, blockIO = {}, network } = resources;
  const onlyV1: readonly (readonly [pointer: string, isAsked: boolean])[] = [
    ["/linux/resources/memory/swappiness", memory.swappiness !== undefined],
    ["/linux/resources/memory/disableOOMKiller", memory.disableOOMKiller === true],
    ["/linux/resources/cpu/realtimeRuntime", (cpu.realtimeRuntime ?? 0) !== 0],
    ["/linux/resources/cpu/realtimePeriod", (cpu.realtimePeriod ?? 0) !== 0],
    ["/linux/resources/blockIO/leafWeight", (blockIO.leafWeight ?? 0) !== 0],
    ...(blockIO.weightDevice ?? []).map(
      ({ leafWeight = 0 }, index) =>
        [`/linux/resources/blockIO/weightDevice/${index}/leafWeight`, leafWeight !== 0] as const,
    ),
    ["/linux/resources/network", network !== undefined],
  ];
  return onlyV1
    .filter(([, isAsked]) => isAsked)
    .map(([pointer]) => `${propertyPath(pointer)} has no effect on cgroup ${mode}`);
}
