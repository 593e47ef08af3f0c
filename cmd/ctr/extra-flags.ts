import type { SpecExtras } from "../../lib/client/spec/extras.ts";
import { ContainerError } from "../../lib/errors.ts";
import type { CtrContext } from "./context.ts";
import { readFlagFile } from "./flag-file.ts";
import { type ContainerFlags, parseEnvFile, parsePairs } from "./run-flags.ts";

const MAX_LABELS_BYTES = 1024 * 1024;
const MAX_GID = 4_294_967_294;
const MAX_OOM_SCORE_ADJ = 1000;

/** The options that few containers are given, checked. @throws {ContainerError} with option, value and remedy */
export async function toExtras(context: CtrContext, flags: ContainerFlags): Promise<SpecExtras> {
  const { domainname, oomScoreAdj, memorySwap, memoryReservation, cpusetMems, blkioWeight, cgroupParent } = flags;
  checkMemory(flags);
  if (oomScoreAdj !== undefined && Math.abs(oomScoreAdj) > MAX_OOM_SCORE_ADJ) {
    throw invalid(`--oom-score-adj ${oomScoreAdj}`, "must be from -1000 to 1000");
  }
  if (blkioWeight !== undefined && (blkioWeight < 10 || blkioWeight > 1000)) {
    throw invalid(`--blkio-weight ${blkioWeight}`, "must be from 10 to 1000");
  }
  if (cgroupParent !== undefined && (/(?:^|\/)\.\.?(?:\/|$)/.test(cgroupParent) || /^\/*$/.test(cgroupParent))) {
    throw invalid(
      `--cgroup-parent ${cgroupParent}`,
      "must be the path of a cgroup below the root, such as batch/night",
    );
  }
  return {
    init: flags.init ? (await import("./init-program.ts")).findInit(context) : undefined,
    shared: sharedNamespaces(flags),
    ...{ domainname, oomScoreAdj, cpusetMems, blkioWeight, cgroupParent },
    annotations: parsePairs("annotation", flags.annotation),
    additionalGids: flags.groupAdd.map(parseGid),
    swapBytes: memorySwap,
    reservationBytes: memoryReservation,
  };
}

function checkMemory({ memory, memorySwap, memoryReservation }: ContainerFlags): void {
  if (memorySwap !== undefined && memorySwap !== -1) {
    if (memory === undefined) throw invalid(`--memory-swap ${memorySwap}`, "needs --memory, which it includes");
    if (memorySwap < memory) throw invalid(`--memory-swap ${memorySwap}`, `must not be below --memory ${memory}`);
  }
  if (memory !== undefined && memoryReservation !== undefined && memoryReservation > memory) {
    throw invalid(`--memory-reservation ${memoryReservation}`, `must not be above --memory ${memory}`);
  }
}

function sharedNamespaces({ ipc, uts, cgroupns, userns, hostname, domainname }: ContainerFlags): SpecExtras["shared"] {
  const isHost = (option: string, given: string | undefined, own: string) => {
    if (given === undefined || given === own) return false;
    if (given === "host") return true;
    throw invalid(`--${option} ${given}`, `must be host or ${own}`);
  };
  if (userns !== undefined && userns !== "host") {
    throw invalid(`--userns ${userns}`, "must be host: users of a container are those of the host");
  }
  const sharesNames = isHost("uts", uts, "private");
  if (sharesNames && (hostname !== undefined || domainname !== undefined)) {
    throw invalid("--uts host", "the names are the host's: leave --hostname and --domainname out");
  }
  return [
    ...(isHost("ipc", ipc, "private") ? (["ipc"] as const) : []),
    ...(sharesNames ? (["uts"] as const) : []),
    ...(isHost("cgroupns", cgroupns, "private") ? (["cgroup"] as const) : []),
  ];
}

function parseGid(given: string): number {
  const gid = /^\d{1,10}$/.test(given) ? Number(given) : Number.NaN;
  if (gid <= MAX_GID) return gid;
  throw invalid(`--group-add ${given}`, "must be the number of a group");
}

/** `--label-file`: labels, a line each. @throws {ContainerError} */
export function readLabels(context: CtrContext, file: string): Readonly<Record<string, string>> {
  const text = readFlagFile(context, { option: "label-file", file, maxBytes: MAX_LABELS_BYTES });
  return parsePairs("label-file", parseEnvFile(text));
}

function invalid(what: string, why: string): ContainerError {
  return new ContainerError("invalid_argument", `${what}: ${why}`);
}
