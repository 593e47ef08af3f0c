import { pointerTo } from "../../json-pointer.ts";
import type { LinuxBlockIo, LinuxResources, WeightDevice } from "../resources.ts";
import type { Report, Rule } from "../rule.ts";

/** config-linux.md § Control groups */
export const resourcesRules: readonly Rule<LinuxResources>[] = [
  { reads: ["/memory/swappiness"], check: checkSwappiness },
  {
    reads: ["/blockIO"],
    check({ blockIO }, at, report) {
      if (blockIO === undefined) return;
      checkWeights(blockIO, `${at}/blockIO`, report);
      for (const [index, device] of (blockIO.weightDevice ?? []).entries()) {
        checkWeights(device, `${at}/blockIO/weightDevice/${index}`, report);
      }
    },
  },
  {
    reads: ["/unified"],
    check({ unified }, at, report) {
      for (const key of Object.keys(unified ?? {})) {
        if (key !== "." && key !== ".." && /^[^/\0\n]+$/.test(key)) continue;
        report(pointerTo(`${at}/unified`, key), unified?.[key], "must have the name of a file of the cgroup");
      }
    },
  },
  {
    reads: ["/rdma"],
    check({ rdma }, at, report) {
      for (const key of Object.keys(rdma ?? {})) {
        if (/^[^\s\0]+$/.test(key)) continue;
        report(pointerTo(`${at}/rdma`, key), rdma?.[key], "must have the name of an RDMA device");
      }
    },
  },
];

/** What moby makes of its own "not set", -1: 2^64-1, which a double rounds up. */
const UNSET_SWAPPINESS = 2 ** 64;

function checkSwappiness({ memory }: LinuxResources, at: string, report: Report): void {
  const value = memory?.swappiness;
  if (value === undefined || value <= 100 || value === UNSET_SWAPPINESS) return;
  report(`${at}/memory/swappiness`, value, "must be an integer from 0 to 100");
}

function checkWeights(weights: LinuxBlockIo | WeightDevice, at: string, report: Report): void {
  for (const name of ["weight", "leafWeight"] as const) {
    const value = weights[name] ?? 0;
    if (value > 0 && value < 10) report(`${at}/${name}`, value, "must be 0 for unset, or an integer from 10 to 1000");
  }
}
