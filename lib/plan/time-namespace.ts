import { CLONE } from "../linux/constants/processes.ts";
import type { Linux } from "../spec/config.ts";
import { fdcwd, openFlags, writeFile } from "./calls.ts";
import { hasOwn } from "./namespaces.ts";
import { flags, type Purpose, register, type Step } from "./step.ts";

/** time_namespaces(7): made by setup for its child, with offsets that are fixed when the first process enters. */
export function compileTimeNamespace({ namespaces = [], timeOffsets = {} }: Linux): readonly Step[] {
  if (!hasOwn(namespaces, "time")) return [];
  return makeTimeNamespace(timeOffsets);
}

const MAKE: Purpose = { doing: "make a time namespace", from: "/linux/namespaces" };

/**
 * The same by init, for an ordinary user, who may make one in a user namespace only. unshare(2) leaves its caller where
 * it is, so it goes there by setns(2).
 */
export function compileOwnTimeNamespace({ namespaces = [], timeOffsets = {} }: Linux): readonly Step[] {
  if (!hasOwn(namespaces, "time")) return [];
  const path = "/proc/self/ns/time_for_children";
  const enter: Purpose = { ...MAKE, doing: "enter the time namespace", path };
  return [
    ...makeTimeNamespace(timeOffsets),
    {
      call: "openat",
      args: [fdcwd(), path, openFlags("O_RDONLY", "O_CLOEXEC")],
      into: "timeNamespace",
      purpose: enter,
    },
    { call: "setns", args: [register("timeNamespace"), flags(CLONE.CLONE_NEWTIME, CLONE)], purpose: enter },
  ];
}

function makeTimeNamespace(timeOffsets: NonNullable<Linux["timeOffsets"]>): readonly Step[] {
  const purpose = MAKE;
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
