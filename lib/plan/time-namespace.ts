import { CLONE } from "../linux/constants/processes.ts";
import type { Linux } from "../spec/config.ts";
import { writeFile } from "./calls.ts";
import { hasOwn } from "./namespaces.ts";
import { flags, type Purpose, type Step } from "./step.ts";

/** time_namespaces(7): made by setup for its child, with offsets that are fixed when the first process enters. */
export function compileTimeNamespace({ namespaces = [], timeOffsets = {} }: Linux): readonly Step[] {
  if (!hasOwn(namespaces, "time")) return [];
  const purpose: Purpose = { doing: "make a time namespace", from: "/linux/namespaces" };
  const unshare: Step = { call: "unshare", args: [flags(CLONE.CLONE_NEWTIME, CLONE)], purpose };
  const path = "/proc/self/timens_offsets";
  const offsets = Object.entries(timeOffsets).map(([clock, { secs = 0, nanosecs = 0 }]) =>
    writeFile(path, `${clock} ${secs} ${nanosecs}`, {
      doing: `set the offset of the ${clock} clock`,
      from: `/linux/timeOffsets/${clock}`,
      path,
    }),
  );
  return [unshare, ...offsets];
}
