import { pointerTo } from "../json-pointer.ts";
import { RLIMITS } from "../linux/constants/processes.ts";
import type { Rlimit } from "../spec/config.ts";
import { toUint64 } from "../spec/uint64.ts";
import type { Host } from "./host.ts";
import { flags, type Purpose, type Step, type Struct } from "./step.ts";

/** Fewer descriptors than the program needs until its end. */
const FEW_DESCRIPTORS = 64;

/**
 * config.md § POSIX process, `rlimits`; RLIMIT_NOFILE that is not listed becomes what the caller had. One that would
 * leave the program itself without descriptors is `late`: for when it needs none any more.
 */
export function compileRlimits(rlimits: readonly Rlimit[], host: Host): Record<"early" | "late", readonly Step[]> {
  const isLate = ({ type, soft }: Rlimit) => type === "RLIMIT_NOFILE" && soft < FEW_DESCRIPTORS;
  const step = ({ type, soft, hard }: Rlimit): Step => {
    const index = rlimits.findIndex((entry) => entry.type === type);
    const purpose = { doing: `set ${type}`, from: pointerTo("/process/rlimits", index) };
    return setLimit(type, toUint64(soft), toUint64(hard), purpose);
  };
  const inherit: Purpose = { doing: "set RLIMIT_NOFILE to the caller's", from: "" };
  const isListed = rlimits.some(({ type }) => type === "RLIMIT_NOFILE");
  const inherited = isListed ? [] : [setLimit("RLIMIT_NOFILE", host.nofile.soft, host.nofile.hard, inherit)];
  return {
    early: [...inherited, ...rlimits.filter((limit) => !isLate(limit)).map(step)],
    late: rlimits.filter(isLate).map(step),
  };
}

/**
 * Hard limits, raised while that is still allowed: before the process is in a user namespace. The soft ones stay as
 * wide, so that they do not hinder the work before compileRlimits() sets them.
 */
export function compileRaisedLimits(rlimits: readonly Rlimit[]): readonly Step[] {
  return rlimits.map(({ type, hard }, index) => {
    const purpose = { doing: `raise the limit of ${type}`, from: pointerTo("/process/rlimits", index) };
    return setLimit(type, toUint64(hard), toUint64(hard), purpose);
  });
}

/** prlimit(2) of the calling process. */
function setLimit(type: keyof typeof RLIMITS, soft: bigint, hard: bigint, purpose: Purpose): Step {
  return { call: "prlimit64", args: [0, flags(RLIMITS[type], RLIMITS), rlimit(soft, hard), 0], purpose };
}

/** `struct rlimit64`: u64 soft, hard. */
function rlimit(soft: bigint, hard: bigint): Struct {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, soft, true);
  view.setBigUint64(8, hard, true);
  return { kind: "struct", bytes, describe: () => `{soft=${soft}, hard=${hard}}` };
}
