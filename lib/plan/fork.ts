import { CLONE } from "../linux/constants/processes.ts";
import type { LinuxNamespace } from "../spec/config.ts";
import { fdcwd, openFlags } from "./calls.ts";
import { joinOpenCgroups } from "./cgroup/compile.ts";
import type { CgroupHost, Host } from "./host.ts";
import { MESSAGE_BYTES, MESSAGE_PID, sendMessage } from "./messages.ts";
import { hasOwn, newNamespaces } from "./namespaces.ts";
import { CONTROL, type Field, flags, PROGRAM, type Purpose, register, type Step, type Struct } from "./step.ts";

/**
 * Not by clone(2): a cgroup namespace has its root where its maker is, so init makes it when it has joined its cgroups;
 * a time namespace is made by setup, which sets its offsets.
 */
const MADE_APART = CLONE.CLONE_NEWCGROUP | CLONE.CLONE_NEWTIME;

const FORK: Purpose = { doing: "start init in new namespaces", from: "/linux/namespaces" };

/**
 * clone(2), CLONE_PARENT: init is a child of the runtime, in its new namespaces at once; this process tells its pid and
 * ends. Init joins the cgroups itself: there may be room for one process only.
 */
export function compileFork(namespaces: readonly LinuxNamespace[], host: Host): readonly Step[] {
  const bits = (bornWith(namespaces) | CLONE.CLONE_PARENT) >>> 0;
  const message: Struct = { kind: "struct", bytes: pidMessage(), describe: () => "{MESSAGE_PID, pid}" };
  const pid: Field = { kind: "field", of: message, at: 4, name: "message.pid" };
  const inParent: readonly Step[] = [
    { call: "store", args: [pid, register("pid"), 4], purpose: FORK },
    sendMessage(message, FORK),
    { call: "exit_group", args: [0], purpose: FORK },
  ];
  const birth = { into: "pid", skip: inParent.length, skipOnZero: true, purpose: FORK } as const;
  return [
    ...clone(host.cgroups, bits, birth),
    ...inParent,
    ...joinOpenCgroups(host.cgroups),
    ...(hasOwn(namespaces, "cgroup") && !hasOwn(namespaces, "user") ? [unshareCgroup()] : []),
    {
      call: "continue",
      args: [register(PROGRAM), register(CONTROL)],
      purpose: { doing: "wait for the rest of the program, which is compiled meanwhile", from: "" },
    },
  ];
}

/** In a user namespace all others are made by its root, who owns what is in them then. */
function bornWith(namespaces: readonly LinuxNamespace[]): number {
  const bits = newNamespaces(namespaces) & ~MADE_APART;
  return hasOwn(namespaces, "user") ? bits & (CLONE.CLONE_NEWUSER | CLONE.CLONE_NEWPID) : bits;
}

/** unshare(2) of the namespaces that a new user namespace has put off until init is root in it. */
export function unshareRest(namespaces: readonly LinuxNamespace[]): readonly Step[] {
  if (!hasOwn(namespaces, "user")) return [];
  const bits = newNamespaces(namespaces) & ~CLONE.CLONE_NEWTIME & ~bornWith(namespaces);
  if (bits === 0) return [];
  const purpose: Purpose = { ...FORK, doing: "make the namespaces of the container" };
  return [{ call: "unshare", args: [flags(bits >>> 0, CLONE)], purpose }];
}

type Birth = Pick<Step, "into" | "skip" | "skipOnZero" | "purpose">;

/** On v2, and in the v2 hierarchy of a hybrid host, init is born in its cgroup. */
function clone(cgroups: CgroupHost, bits: number, birth: Birth): readonly Step[] {
  const directory = cgroups.mode === "v2" ? cgroups.directory : cgroups.unified?.directory;
  if (directory === undefined) return [{ call: "clone", args: [flags(bits, CLONE), 0, 0, 0, 0], ...birth }];
  return cloneInto(directory, bits, birth);
}

/** Of `struct clone_args`: u64 flags first, u64 descriptor of the cgroup last. */
const CLONE_ARGS_BYTES = 88;
const CLONE_ARGS_CGROUP = 80;

/** clone3(2), CLONE_INTO_CGROUP: costs none of the locks that a migration takes. */
function cloneInto(directory: string, bits: number, birth: Birth): readonly Step[] {
  const bytes = new Uint8Array(CLONE_ARGS_BYTES);
  const all = BigInt(bits) | CLONE.CLONE_INTO_CGROUP;
  new DataView(bytes.buffer).setBigUint64(0, all, true);
  const describe = () => {
    const names = Object.entries(CLONE).filter(([, bit]) => (all & BigInt(bit)) !== 0n);
    return `{${names.map(([name]) => name).join("|")}, cgroup}`;
  };
  const args: Struct = { kind: "struct", bytes, describe };
  const cgroup: Field = { kind: "field", of: args, at: CLONE_ARGS_CGROUP, name: "args.cgroup" };
  const purpose: Purpose = { doing: `join cgroup ${directory}`, from: "/linux/cgroupsPath", path: directory };
  const access = openFlags("O_DIRECTORY", "O_PATH", "O_CLOEXEC");
  return [
    { call: "openat", args: [fdcwd(), directory, access], into: "cgroup", purpose },
    { call: "store", args: [cgroup, register("cgroup"), 8], purpose },
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
