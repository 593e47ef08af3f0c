import type { NamespaceType, Process } from "../spec/config.ts";
import { compileBecome, type Surroundings } from "./become.ts";
import { fdcwd, openFlags, ROOT, writeFile } from "./calls.ts";
import { joinOpenCgroups, openCgroups } from "./cgroup/compile.ts";
import { prctl } from "./credentials.ts";
import { compileBirth, openBirthplace } from "./fork.ts";
import type { CgroupHost, Host } from "./host.ts";
import { openForLabels, refuseLabels, withKeyLabel } from "./labels.ts";
import { compileJoins, compileLateJoin, NAMESPACE_FILES } from "./namespaces.ts";
import {
  compileDescriptors,
  compileHardening,
  compileOomScore,
  compileSession,
  compileSignals,
  joinKeyring,
} from "./process.ts";
import { joinResctrl } from "./resctrl.ts";
import { compileAffinity, resetAffinity } from "./scheduling.ts";
import { awaitScope } from "./scope.ts";
import { CONTROL, type Purpose, register, type Step } from "./step.ts";
import { compileTerminal } from "./terminal.ts";
import { becomeRoot } from "./user-namespace.ts";

/** The register with init's directory in /proc: it stays init's when the pid is given out again. */
export const INIT_PROC = "initProc";

/** The container a process is added to. */
export interface ExecTarget extends Surroundings {
  readonly id: string;
  /** The namespaces the container does not share with the runtime. */
  readonly namespaces: readonly NamespaceType[];
  /** Absolute path of its rootfs, to which a container without a mount namespace is confined. */
  readonly rootfs: string;
  /** The directories the process joins. */
  readonly cgroups: CgroupHost;
  /** The runtime may not move a process there; systemd does it, while the program waits. */
  readonly isAttached?: boolean;
  readonly preserveFds: number;
  /** The files of its resctrl groups that take tasks. */
  readonly resctrl: readonly string[];
}

/**
 * Compiles a process into the program that adds it to a running container. It cannot be traced before execve(2), which
 * closes what it has opened of the host: from inside there is nothing to take hold of (CVE-2016-9962, CVE-2024-21626).
 */
export function compileExec(process: Process, target: ExecTarget, host: Host): readonly Step[] {
  refuseLabels(process, undefined, host);
  const hasTerminal = process.terminal === true;
  const namespaces = target.namespaces.map((type) => ({ type, path: `ns/${NAMESPACE_FILES[type]}` }));
  const isAttached = target.isAttached === true;
  const movesFirst = isAttached || (target.cgroups.mode === "v2" && target.namespaces.includes("user"));
  const affinity = process.execCPUAffinity ?? {};
  const become = compileBecome(process, target, host);
  return [
    ...compileDescriptors([CONTROL, INIT_PROC], target.preserveFds, hasTerminal),
    ...compileSignals(host),
    ...compileOomScore(process),
    ...joinResctrl(target.resctrl),
    ...openForLabels(process),
    ...compileAffinity(affinity, "initial"),
    ...openCgroups(target.cgroups),
    ...(isAttached ? awaitScope() : []),
    ...(movesFirst ? moveInto(target.cgroups) : openBirthplace(target.cgroups)),
    ...compileHardening(),
    ...compileJoins(namespaces, host, register(INIT_PROC)),
    ...compileBirth(0, movesFirst ? NO_CGROUPS : target.cgroups, []),
    ...joinOpenCgroups(target.cgroups),
    ...(process.execCPUAffinity === undefined ? [resetAffinity()] : compileAffinity(affinity, "final")),
    ...compileLateJoin(namespaces),
    ...compileHardening(),
    ...(target.namespaces.includes("user") ? becomeRoot(target.linux, host, target.annotations) : []),
    compileSession(),
    ...withKeyLabel(process.selinuxLabel, joinKeyring(target.id)),
    ...enterRoot(target),
    ...(hasTerminal ? compileTerminal(process.consoleSize, false) : []),
    ...become.prepare,
    prctl("PR_SET_PDEATHSIG", [0], { doing: "let the process outlive the runtime", from: "" }),
    ...become.execute(),
  ];
}

/**
 * A cgroup that was given to the root of a user namespace is open to him and to the host's root, and to nobody who is on
 * his way from one to the other: so the process goes there before, and its child is born where it is.
 */
function moveInto(cgroups: CgroupHost): readonly Step[] {
  if (cgroups.mode === "v1") return [];
  const path = `${cgroups.directory}/cgroup.procs`;
  return [writeFile(path, "0", { doing: `join cgroup ${cgroups.directory}`, from: "/linux/cgroupsPath", path })];
}

const NO_CGROUPS: CgroupHost = { mode: "v1", hierarchies: [] };

/** setns(2) of a mount namespace has put the process in its root. */
function enterRoot({ namespaces, rootfs }: ExecTarget): readonly Step[] {
  const hasMounts = namespaces.includes("mount");
  const path = hasMounts ? "/" : rootfs;
  const purpose: Purpose = { doing: "enter the rootfs", from: "/root/path", path };
  const access = openFlags("O_DIRECTORY", "O_PATH", "O_CLOEXEC");
  const chroot: Step = { call: "chroot", args: ["."], purpose };
  return [
    { call: "openat", args: [fdcwd(), path, access], into: ROOT, purpose },
    { call: "fchdir", args: [register(ROOT)], purpose },
    ...(hasMounts ? [] : [chroot]),
    { call: "chdir", args: ["/"], purpose },
  ];
}
