import { pointerTo } from "../../json-pointer.ts";
import type { IntelRdt, Linux, MemoryPolicy } from "../config.ts";
import type { Report, Rule } from "../rule.ts";
import { checkNumberList } from "./number-list.ts";

/** config-linux.md: the small sections. */
export const linuxRules: readonly Rule<Linux>[] = [
  { reads: ["/cgroupsPath"], check: checkCgroupsPath },
  { reads: ["/netDevices"], check: checkNetDevices },
  {
    reads: ["/intelRdt"],
    check({ intelRdt }, at, report) {
      if (intelRdt !== undefined) checkIntelRdt(intelRdt, `${at}/intelRdt`, report);
    },
  },
  {
    reads: ["/memoryPolicy"],
    check({ memoryPolicy }, at, report) {
      if (memoryPolicy !== undefined) checkMemoryPolicy(memoryPolicy, `${at}/memoryPolicy`, report);
    },
  },
];

function checkCgroupsPath({ cgroupsPath }: Linux, at: string, report: Report): void {
  if (cgroupsPath === undefined || !cgroupsPath.split("/").includes("..")) return;
  report(`${at}/cgroupsPath`, cgroupsPath, 'must not contain ".."');
}

/** net/core/dev.c, dev_valid_name() */
function checkNetDevices({ netDevices }: Linux, at: string, report: Report): void {
  if (netDevices === undefined) return;
  const taken = new Map<string, string>();
  for (const [key, device] of Object.entries(netDevices)) {
    const pointer = pointerTo(`${at}/netDevices`, key);
    const { name = key } = device;
    if (!isInterfaceName(key)) report(pointer, device, `must be listed by ${INTERFACE_NAME}`);
    if (name !== key && !isInterfaceName(name)) report(`${pointer}/name`, name, `must be ${INTERFACE_NAME}`);
    const other = taken.get(name);
    if (other !== undefined) report(`${pointer}/name`, device.name, `must not be the name that ${other} gets, too`);
    taken.set(name, key);
  }
}

const INTERFACE_NAME = 'an interface name: 1 to 15 bytes, no "/", ":" or white space, not "." or ".."';

/** IFNAMSIZ without the NUL. */
const MAX_INTERFACE_NAME_BYTES = 15;

function isInterfaceName(name: string): boolean {
  if (name === "." || name === ".." || !/^[^\s/:\0]+$/.test(name)) return false;
  return new TextEncoder().encode(name).length <= MAX_INTERFACE_NAME_BYTES;
}

/** resctrl: the name of a directory; "/" is the root group. */
function checkIntelRdt({ closID }: IntelRdt, at: string, report: Report): void {
  if (closID === undefined || closID === "/") return;
  if (!RESERVED_NAMES.includes(closID) && !closID.includes("/")) return;
  report(`${at}/closID`, closID, 'must be a directory name, or "/" for the root group');
}

/** What is not, or not the directory of a group. */
const RESERVED_NAMES: readonly string[] = [".", "..", "info", "mon_data", "mon_groups"];

/** set_mempolicy(2), EINVAL */
function checkMemoryPolicy(policy: MemoryPolicy, at: string, report: Report): void {
  const { mode, nodes, flags } = policy;
  checkNumberList(nodes, `${at}/nodes`, report);
  const takesNodes = mode !== "MPOL_DEFAULT" && mode !== "MPOL_LOCAL";
  if (!takesNodes && nodes !== undefined) report(`${at}/nodes`, nodes, `must be absent with the mode "${mode}"`);
  if (takesNodes && mode !== "MPOL_PREFERRED" && nodes === undefined) {
    report(`${at}/nodes`, nodes, `must name at least one node with the mode "${mode}"`);
  }
  for (const [index, flag] of (flags ?? []).entries()) {
    const problem = flagProblem(policy, flag);
    if (problem !== undefined) report(`${at}/flags/${index}`, flag, problem);
  }
}

function flagProblem({ mode, nodes, flags }: MemoryPolicy, flag: string): string | undefined {
  if (flag === "MPOL_F_NUMA_BALANCING") {
    const balances = mode === "MPOL_BIND" || mode === "MPOL_PREFERRED_MANY";
    return balances ? undefined : 'must not be used unless the mode is "MPOL_BIND" or "MPOL_PREFERRED_MANY"';
  }
  if (nodes === undefined) return "must not be used without nodes";
  const other = flag === "MPOL_F_STATIC_NODES" ? "MPOL_F_RELATIVE_NODES" : "MPOL_F_STATIC_NODES";
  return flags?.includes(other) ? `must not be used together with "${other}"` : undefined;
}
