import { CLONE } from "../linux/constants/processes.ts";
import type { LinuxNamespace } from "../spec/config.ts";
import { fdcwd, openFlags } from "./calls.ts";
import { joinOpenCgroups } from "./cgroup/compile.ts";
import type { CgroupHost, Host } from "./host.ts";
import { MESSAGE_BYTES, MESSAGE_PID, sendMessage } from "./messages.ts";
import { compileLateJoin, hasOwn, newNamespaces } from "./namespaces.ts";
import { resetAffinity } from "./scheduling.ts";
import { CONTROL, type Field, flags, PROGRAM, type Purpose, register, type Step, type Struct } from "./step.ts";

/**
 * Not by clone(2): a cgroup namespace has its root where its maker is, so init makes it when it has joined its cgroups;
 * a time namespace is made by setup, which sets its offsets.
 */
const MADE_APART = CLONE.CLONE_NEWCGROUP | CLONE.CLONE_NEWTIME;

const FORK: Purpose = { doing: "start init in new namespaces", from: "/linux/namespaces" };

/** The birth of init, what setup does after it, its own first steps, and its wait for the rest of the program. */
export function compileFork(
  namespaces: readonly LinuxNamespace[],
  host: Host,
  afterBirth: readonly Step[],
): readonly Step[] {
  return [
    ...compileBirth(bornWith(namespaces), host.cgroups, afterBirth),
    ...joinOpenCgroups(host.cgroups),
    resetAffinity(),
    ...compileLateJoin(namespaces),
    ...(hasOwn(namespaces, "cgroup") && !hasOwn(namespaces, "user") ? [unshareCgroup()] : []),
    {
      call: "continue",
      args: [register(PROGRAM), register(CONTROL)],
      purpose: { doing: "wait for the rest of the program, which is compiled meanwhile", from: "" },
    },
  ];
}

/**
 * clone(2), CLONE_PARENT: the process of the container is a child of the runtime, in its new namespaces at once; this one
 * tells its pid and ends. The child joins the cgroups itself: there may be room for one process only.
 */
export function compileBirth(namespaces: number, cgroups: CgroupHost, afterBirth: readonly Step[]): readonly Step[] {
  const bits = (namespaces | CLONE.CLONE_PARENT) >>> 0;
  const message: Struct = { kind: "struct", bytes: pidMessage(), describe: () => "{MESSAGE_PID, pid}" };
  const pid: Field = { kind: "field", of: message, at: 4, name: "message.pid" };
  const inParent: readonly Step[] = [
    { call: "store", args: [pid, register("pid"), 4], purpose: FORK },
    sendMessage(message, FORK),
    ...afterBirth,
    { call: "exit_group", args: [0], purpose: FORK },
  ];
  const birth = { into: "pid", skip: inParent.length, skipOnZero: true, purpose: FORK } as const;
  return [...clone(cgroups, bits, birth), ...inParent];
}

/** In a user namespace all others are made by its root, who owns what is in them then. */
function bornWith(namespaces: readonly LinuxNamespace[]): number {
  const bits = newNamespaces(namespaces) & ~MADE_APART;
  return hasOwn(namespaces, "user") ? bits & (CLONE.CLONE_NEWUSER | CLONE.CLONE_NEWPID) : bits;
}

/** unshare(2) of the namespaces that a new user namespace has put off until init is root in it. */
export function unshareRest(namespaces: readonly LinuxNamespace[]): readonly Step[] {
  if (!hasOwn(namespaces, "user")) return [];
  const bits = newNamespaces(namespaces) & ~CLONE.CLONE_NEWTIME & ~CLONE.CLONE_NEWNS & ~bornWith(namespaces);
  if (bits === 0) return [];
  const purpose: Purpose = { ...FORK, doing: "make the namespaces of the container" };
  return [{ call: "unshare", args: [flags(bits >>> 0, CLONE)], purpose }];
}

/** unshare(2) of the mount namespace, in a new user namespace, before init becomes root of that. */
export function unshareMounts(namespaces: readonly LinuxNamespace[]): readonly Step[] {
  if (!hasOwn(namespaces, "user") || !hasOwn(namespaces, "mount")) return [];
  const purpose: Purpose = { ...FORK, doing: "make the mount namespace of the container" };
  return [{ call: "unshare", args: [flags(CLONE.CLONE_NEWNS, CLONE)], purpose }];
}

type Birth = Pick<Step, "into" | "skip" | "skipOnZero" | "purpose">;

/** On v2, and in the v2 hierarchy of a hybrid host, init is born in its cgroup. */
function clone(cgroups: CgroupHost, bits: number, birth: Birth): readonly Step[] {
  if (birthplace(cgroups) !== undefined) return cloneIntoCgroup(bits, birth);
  return [{ call: "clone", args: [flags(bits, CLONE), 0, 0, 0, 0], ...birth }];
}

function birthplace(cgroups: CgroupHost): string | undefined {
  return cgroups.mode === "v2" ? cgroups.directory : cgroups.unified?.directory;
}

/** Opens the v2 cgroup the child is to be born in, by the path it has before other namespaces are joined. */
export function openBirthplace(cgroups: CgroupHost): readonly Step[] {
  const directory = birthplace(cgroups);
  if (directory === undefined) return [];
  const purpose: Purpose = { doing: `join cgroup ${directory}`, from: "/linux/cgroupsPath", path: directory };
  const access = openFlags("O_DIRECTORY", "O_PATH", "O_CLOEXEC");
  return [{ call: "openat", args: [fdcwd(), directory, access], into: "cgroup", purpose }];
}

/** Of `struct clone_args`: u64 flags first, u64 descriptor of the cgroup last. */
const CLONE_ARGS_BYTES = 88;
const CLONE_ARGS_CGROUP = 80;

/** clone3(2), CLONE_INTO_CGROUP: costs none of the locks that a migration takes. */
function cloneIntoCgroup(bits: number, birth: Birth): readonly Step[] {
  const bytes = new Uint8Array(CLONE_ARGS_BYTES);
  const all = BigInt(bits) | CLONE.CLONE_INTO_CGROUP;
  new DataView(bytes.buffer).setBigUint64(0, all, true);
  const describe = () => {
    const names = Object.entries(CLONE).filter(([, bit]) => (all & BigInt(bit)) !== 0n);
    return `{${names.map(([name]) => name).join("|")}, cgroup}`;
  };
  const args: Struct = { kind: "struct", bytes, describe };
  const cgroup: Field = { kind: "field", of: args, at: CLONE_ARGS_CGROUP, name: "args.cgroup" };
  return [
    { call: "store", args: [cgroup, register("cgroup"), 8], purpose: FORK },
    { call: "clone3", args: [args, bytes.length], ...birth },
  ];
}

function unshareCgroup(): Step {
  const bits = flags(CLONE.CLONE_NEWCGROUP, CLONE);
  return { call: "unshare", args: [bits], purpose: { ...FORK, doing: "make a cgroup namespace" } };
}

function pidMessage(): Uint8Array {
  const bytes = new Uint8Array(MESSAGE_BYTES);
  new DataView(bytes.buffer).setUint32(0, MESSAGE_PID, true);
  return bytes;
}
