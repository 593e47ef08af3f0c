import { pointerTo } from "../json-pointer.ts";
import { CLONE_NEW } from "../linux/constants/processes.ts";
import type { LinuxNamespace, NamespaceType } from "../spec/config.ts";
import { fdcwd, openFlags } from "./calls.ts";
import { type Host, isOrdinaryUser } from "./host.ts";
import { type Flags, flags, type Purpose, type Register, register, type Step } from "./step.ts";

const CLONE_FLAGS: Readonly<Record<NamespaceType, keyof typeof CLONE_NEW>> = {
  cgroup: "CLONE_NEWCGROUP",
  ipc: "CLONE_NEWIPC",
  mount: "CLONE_NEWNS",
  network: "CLONE_NEWNET",
  pid: "CLONE_NEWPID",
  time: "CLONE_NEWTIME",
  user: "CLONE_NEWUSER",
  uts: "CLONE_NEWUTS",
};

/** proc_pid_ns(5): the names of the files, which criu uses, too. */
export const NAMESPACE_FILES: Readonly<Record<NamespaceType, string>> = {
  cgroup: "cgroup",
  ipc: "ipc",
  mount: "mnt",
  network: "net",
  pid: "pid",
  time: "time",
  user: "user",
  uts: "uts",
};

/** The mount namespace last: it changes what every path means. The user namespace before it, after all that need the host's privilege. */
const JOIN_ORDER: readonly NamespaceType[] = ["ipc", "uts", "network", "pid", "cgroup", "time", "user", "mount"];
/** An ordinary user has privilege over no other namespace until it is in the user namespace that owns them. */
const USER_FIRST: readonly NamespaceType[] = ["user", ...JOIN_ORDER.filter((type) => type !== "user")];

/**
 * setns(2) into the namespaces that have a path, from `base` where it is relative; all are opened before the first is
 * entered. The cgroup namespace is left to compileLateJoin().
 */
export function compileJoins(
  namespaces: readonly LinuxNamespace[],
  host: Host,
  base: Register | Flags = fdcwd(),
): readonly Step[] {
  const joined = joinedNamespaces(namespaces, isOrdinaryUser(host) ? USER_FIRST : JOIN_ORDER);
  return [
    ...joined.map(
      ({ type, path, purpose }): Step => ({
        call: "openat",
        args: [base, path, openFlags("O_RDONLY", "O_CLOEXEC")],
        into: `${type}Namespace`,
        purpose,
      }),
    ),
    ...joined.filter(({ type }) => type !== "cgroup" || !joinsCgroupLate(namespaces)).map(enter),
  ];
}

/**
 * The cgroup namespace, by the process that is born in its cgroup: from inside, a cgroup that is not below the
 * namespace's root is none, and where cgroup2 is mounted with `nsdelegate` nobody is born there (ENOENT).
 */
export function compileLateJoin(namespaces: readonly LinuxNamespace[]): readonly Step[] {
  if (!joinsCgroupLate(namespaces)) return [];
  return joinedNamespaces(namespaces, JOIN_ORDER)
    .filter(({ type }) => type === "cgroup")
    .map(enter);
}

/** Who is born in a user namespace of its own has no privilege over a cgroup namespace that is there. */
function joinsCgroupLate(namespaces: readonly LinuxNamespace[]): boolean {
  return !hasOwn(namespaces, "user");
}

interface JoinedNamespace {
  readonly type: NamespaceType;
  readonly path: string;
  readonly purpose: Purpose;
}

function joinedNamespaces(
  namespaces: readonly LinuxNamespace[],
  order: readonly NamespaceType[],
): readonly JoinedNamespace[] {
  return order.flatMap((type) => {
    const index = namespaces.findIndex((namespace) => namespace.type === type && namespace.path !== undefined);
    const path = namespaces[index]?.path;
    if (path === undefined) return [];
    const purpose: Purpose = {
      doing: `join the ${type} namespace ${path}`,
      from: pointerTo(pointerTo("/linux/namespaces", index), "path"),
      path,
    };
    return [{ type, path, purpose }];
  });
}

function enter({ type, purpose }: JoinedNamespace): Step {
  const kind = flags(CLONE_NEW[CLONE_FLAGS[type]], CLONE_NEW);
  return { call: "setns", args: [register(`${type}Namespace`), kind], purpose };
}

/** The CLONE_NEW* bits of the namespaces without a path. */
export function newNamespaces(namespaces: readonly LinuxNamespace[]): number {
  return namespaces
    .filter(({ path }) => path === undefined)
    .reduce((bits, { type }) => bits | CLONE_NEW[CLONE_FLAGS[type]], 0);
}

/** Whether the container gets a namespace of this type that it does not share with anybody. */
export function hasOwn(namespaces: readonly LinuxNamespace[], type: NamespaceType): boolean {
  return namespaces.some((namespace) => namespace.type === type && namespace.path === undefined);
}
