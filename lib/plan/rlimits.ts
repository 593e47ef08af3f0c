import { pointerTo } from "../json-pointer.ts";
import { RLIMITS } from "../linux/constants/processes.ts";
import type { Rlimit } from "../spec/config.ts";
import { toUint64 } from "../spec/uint64.ts";
import type { Host } from "./host.ts";
import { flags, type Purpose, type Step, type Struct } from "./step.ts";

/** config.md § POSIX process, `rlimits`; RLIMIT_NOFILE that is not listed becomes what the caller had. */
export function compileRlimits(rlimits: readonly Rlimit[], host: Host): readonly Step[] {
  const steps = rlimits.map(({ type, soft, hard }, index) => {
    const purpose = { doing: `set ${type}`, from: pointerTo("/process/rlimits", index) };
    return setLimit(type, toUint64(soft), toUint64(hard), purpose);
  });
  if (rlimits.some(({ type }) => type === "RLIMIT_NOFILE")) return steps;
  const inherit: Purpose = { doing: "set RLIMIT_NOFILE to the caller's", from: "" };
  return [setLimit("RLIMIT_NOFILE", host.nofile.soft, host.nofile.hard, inherit), ...steps];
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
