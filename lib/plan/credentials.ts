import { CAPABILITY_VERSION_3, PR_CAP_AMBIENT, PRCTL } from "../linux/constants/processes.ts";
import { CAPABILITIES } from "../spec/capability.ts";
import type { Capabilities, User } from "../spec/config.ts";
import type { Host } from "./host.ts";
import { type Argument, type Flags, flags, mode, type Purpose, type Step, type Struct } from "./step.ts";

const DEFAULT_UMASK = 0o022;

/** config.md § Linux Process, `capabilities.bounding`; first of all, because it takes CAP_SETPCAP. */
export function compileBoundingSet(capabilities: Capabilities, host: Host): readonly Step[] {
  const kept = numbersOf(capabilities.bounding, host);
  const steps: Step[] = [];
  for (let number = 0; number <= host.lastCapability; number++) {
    if (kept.has(number)) continue;
    const name = CAPABILITIES[number] ?? `capability ${number}`;
    const purpose = { doing: `drop ${name} from the bounding set`, from: "/process/capabilities/bounding" };
    steps.push(prctl("PR_CAPBSET_DROP", [capabilityFlag(number)], purpose));
  }
  return steps;
}

/** config.md § POSIX-platform User: groups, gid and uid, keeping the permitted capabilities across the change. */
export function compileUser(user: User, policy: GroupsPolicy): readonly Step[] {
  const { uid = 0, gid = 0, additionalGids = [] } = user;
  const keep: Purpose = { doing: "keep capabilities across the change of user", from: "/process/user" };
  const groups: Purpose = { doing: "set the additional groups", from: "/process/user/additionalGids" };
  return [
    prctl("PR_SET_KEEPCAPS", [1], keep),
    ...compileGroups(additionalGids, policy, groups),
    { call: "setresgid", args: [gid, gid, gid], purpose: { doing: `become group ${gid}`, from: "/process/user/gid" } },
    { call: "setresuid", args: [uid, uid, uid], purpose: { doing: `become user ${uid}`, from: "/process/user/uid" } },
    prctl("PR_SET_KEEPCAPS", [0], keep),
  ];
}

/** Whether setgroups(2) is allowed in the container's user namespace, proc_pid_setgroups(5), and wanted. */
export type GroupsPolicy = "allowed" | "denied" | "unknown" | "kept";

/**
 * setgroups(2): those listed and no others. Where it is denied those of the caller stay, which count for nothing but
 * what they let the caller do; nobody can list others there.
 */
export function compileGroups(gids: readonly number[], policy: GroupsPolicy, purpose: Purpose): readonly Step[] {
  if (policy === "denied" || policy === "kept") return [];
  const step: Step = { call: "setgroups", args: [gids.length, groupList(gids)], purpose };
  return [policy === "unknown" && gids.length === 0 ? { ...step, tolerated: ["EPERM"] } : step];
}

/** The other four sets, all at once, then the ambient one. */
export function compileCapabilities(capabilities: Capabilities, host: Host): readonly Step[] {
  const purpose: Purpose = { doing: "set the capabilities", from: "/process/capabilities" };
  const permitted = numbersOf(capabilities.permitted, host);
  const inheritable = numbersOf(capabilities.inheritable, host);
  // capabilities(7): only what is permitted and inheritable can be ambient; the rest is passed over, as by runc.
  const ambient = [...numbersOf(capabilities.ambient, host)].filter(
    (cap) => permitted.has(cap) && inheritable.has(cap),
  );
  return [
    { call: "capset", args: [capabilityHeader(), capabilitySets(capabilities, host)], purpose },
    prctl("PR_CAP_AMBIENT", [flags(PR_CAP_AMBIENT.PR_CAP_AMBIENT_CLEAR_ALL, PR_CAP_AMBIENT)], purpose),
    ...ambient.map((number) => {
      const from = "/process/capabilities/ambient";
      const raise = flags(PR_CAP_AMBIENT.PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT);
      return prctl("PR_CAP_AMBIENT", [raise, capabilityFlag(number)], { ...purpose, from });
    }),
  ];
}

/** config.md § Linux Process, `noNewPrivileges` */
export function compileNoNewPrivileges(): Step {
  return prctl("PR_SET_NO_NEW_PRIVS", [1], { doing: "set no_new_privs", from: "/process/noNewPrivileges" });
}

/** config.md § POSIX-platform User, `umask`; 0022 unless the config says otherwise, as with runc. */
export function compileUmask(user: User): Step {
  const mask = mode(user.umask ?? DEFAULT_UMASK);
  return { call: "umask", args: [mask], purpose: { doing: "set the umask", from: "/process/user/umask" } };
}

/** prctl(2), with zeros for what the option does not read. */
export function prctl(option: keyof typeof PRCTL, args: readonly Argument[], purpose: Purpose): Step {
  const zeros = new Array<number>(4 - args.length).fill(0);
  return { call: "prctl", args: [flags(PRCTL[option], PRCTL), ...args, ...zeros], purpose };
}

/** The numbers of the named capabilities that this kernel has; others are passed over, as spec 1.1 wants it. */
function numbersOf(names: readonly string[] | undefined, host: Host): ReadonlySet<number> {
  const numbers = (names ?? []).map((name) => CAPABILITY_NUMBERS[name] ?? -1);
  return new Set(numbers.filter((number) => number >= 0 && number <= host.lastCapability));
}

const CAPABILITY_NUMBERS: Readonly<Record<string, number>> = Object.fromEntries(
  CAPABILITIES.map((name, number) => [name, number]),
);

function capabilityFlag(number: number): Flags {
  return flags(number, CAPABILITY_NUMBERS);
}

/** `struct __user_cap_header_struct`: u32 version, int pid. */
function capabilityHeader(): Struct {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, CAPABILITY_VERSION_3, true);
  return { kind: "struct", bytes, describe: () => "{_LINUX_CAPABILITY_VERSION_3, 0}" };
}

/** Two `struct __user_cap_data_struct`: u32 effective, permitted, inheritable; the low words first. */
function capabilitySets(capabilities: Capabilities, host: Host): Struct {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  const sets = [capabilities.effective, capabilities.permitted, capabilities.inheritable];
  const describe = () =>
    `{effective=${(sets[0] ?? []).join("|")}, permitted=${(sets[1] ?? []).join("|")}, inheritable=${(sets[2] ?? []).join("|")}}`;
  sets.forEach((names, index) => {
    for (const number of numbersOf(names, host)) {
      const at = 4 * index + (number < 32 ? 0 : 12);
      view.setUint32(at, (view.getUint32(at, true) | (1 << (number % 32))) >>> 0, true);
    }
  });
  return { kind: "struct", bytes, describe };
}

function groupList(gids: readonly number[]): Struct {
  const bytes = new Uint8Array(4 * gids.length);
  const view = new DataView(bytes.buffer);
  gids.forEach((gid, index) => {
    view.setUint32(4 * index, gid, true);
  });
  return { kind: "struct", bytes, describe: () => `[${gids.join(", ")}]` };
}
