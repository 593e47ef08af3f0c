import { FCNTL } from "../linux/constants/files.ts";
import { MOVE_MOUNT, PROPAGATION, UMOUNT } from "../linux/constants/mounts.ts";
import { CLONE } from "../linux/constants/processes.ts";
import type { Config } from "../spec/config.ts";
import {
  attach,
  cloneTree,
  fdcwd,
  makeDirectory,
  openFlags,
  openInRoot,
  ROOT,
  setAttributesAt,
  writeFile,
} from "./calls.ts";
import { compileCgroups, joinOpenCgroups } from "./cgroup/compile.ts";
import { prctl } from "./credentials.ts";
import type { CgroupHost, Host, Request } from "./host.ts";
import { MESSAGE_READY, message, sendMessage } from "./messages.ts";
import { type PlannedMount, planMounts, refuseUnsafe, sourcePath } from "./mounts.ts";
import { compileDescriptors, compileSignals, tieToRuntime } from "./process.ts";
import { compileResctrl, refuseResctrl } from "./resctrl.ts";
import { awaitScope } from "./scope.ts";
import { sendDescriptor } from "./send-descriptor.ts";
import { CONTROL, flags, mode, type Purpose, register, type Step } from "./step.ts";
import { refuseUnsupported } from "./unsupported.ts";

/** criu(8), as it is started. */
export interface CriuProgram {
  /** Absolute path. */
  readonly path: string;
  readonly env: readonly string[];
  /** How many descriptors it is handed beside its socket: they become 4, 5, … */
  readonly inherited: number;
  /** The signals that this process ignores. */
  readonly ignoredSignals: readonly number[];
}

/** The descriptor of criu's socket: the first after the standard streams. */
export const CRIU_SOCKET = 3;

/** The register of each descriptor that is handed on. */
export function inheritedRegister(index: number): string {
  return `inherited${index}`;
}

/** Becomes criu, which takes its orders on the control socket and has no other streams: its log says all there is to say. */
export function compileCriu(criu: CriuProgram): readonly Step[] {
  const purpose: Purpose = { doing: "open /dev/null", from: "", path: "/dev/null" };
  const open: Step = {
    call: "openat",
    args: [fdcwd(), "/dev/null", openFlags("O_RDWR", "O_CLOEXEC")],
    into: "null",
    purpose,
  };
  const silence = STDIO.map((fd): Step => ({ call: "dup3", args: [register("null"), fd, 0], purpose }));
  return [...start(criu), open, ...silence, ...become(criu)];
}

const STDIO = [0, 1, 2];

/** Where criu finds the container's rootfs. */
export interface RestorePlace {
  /** An absolute path at which there is nothing: a directory is made there, and the rootfs bound over it for criu alone. */
  readonly root: string;
  /** Absolute paths of the directories with images and other files. */
  readonly directories: readonly string[];
}

/**
 * Becomes criu, in the container's cgroups, where all that it restores begins. It gets a mount namespace of its own: the
 * rootfs has to be a mount that nothing covers, and what is mounted for that is gone when criu ends, however it ends.
 * @throws {ContainerError} for what no step exists for
 */
export function compileRestore(
  config: Config,
  host: Host,
  request: Request,
  criu: CriuProgram & RestorePlace,
): readonly Step[] {
  refuseUnsupported(config);
  refuseResctrl(config.linux?.intelRdt, host.resctrl);
  const mounts = planMounts(config.mounts ?? []);
  for (const mount of mounts) refuseUnsafe(mount);
  return [
    ...start(criu),
    ...(host.scope === undefined ? [] : awaitScope()),
    ...compileCgroups(config.linux?.resources ?? {}, host),
    ...compileResctrl(config.linux?.intelRdt, host.resctrl, request.id),
    ...joinCgroups(host.cgroups),
    ...compileRoot(mounts, request, criu.root),
    ...criu.directories.flatMap(sendDirectory),
    ...become(criu),
  ];
}

function start({ inherited, ignoredSignals }: CriuProgram): readonly Step[] {
  const names = Array.from({ length: inherited }, (_, index) => inheritedRegister(index));
  return [
    ...compileDescriptors([CONTROL, ...names], 0, false),
    ...tieToRuntime(),
    ...compileSignals({ ignoredSignals }),
  ];
}

/**
 * criu outlives the runtime: it notices the end of its socket, and lets go of the processes it holds; killed in the
 * midst of its work it would leave them stopped, with foreign code in them.
 */
function become({ path, env, inherited }: CriuProgram): readonly Step[] {
  const execute: Purpose = { doing: `execute ${path}`, from: "", path };
  const ready = message(MESSAGE_READY, "MESSAGE_READY");
  const argv = [path, "swrk", String(CRIU_SOCKET)];
  return [
    prctl("PR_SET_PDEATHSIG", [0], { doing: "let criu end by itself", from: "" }),
    { call: "umask", args: [mode(0o022)], purpose: execute },
    sendMessage(ready, { doing: "tell the runtime that criu starts", from: "" }),
    ...Array.from(
      { length: 1 + inherited },
      (_, index): Step => ({
        call: "fcntl",
        args: [CRIU_SOCKET + index, flags(FCNTL.F_SETFD, { F_SETFD: FCNTL.F_SETFD }), 0],
        purpose: execute,
      }),
    ),
    {
      call: "execve",
      args: [path, { kind: "strings", values: argv }, { kind: "strings", values: env }],
      purpose: execute,
    },
  ];
}

/**
 * criu opens the directories as its client has them open, goes into one and mounts there: they have to be of its own
 * mount namespace, so the client gets them from here.
 */
function sendDirectory(path: string): readonly Step[] {
  const purpose: Purpose = { doing: `open ${path}`, from: "", path };
  const access = openFlags("O_RDONLY", "O_DIRECTORY", "O_CLOEXEC");
  return [
    { call: "openat", args: [fdcwd(), path, access], into: "directory", purpose },
    ...sendDescriptor({ socket: CONTROL, descriptor: "directory", payload: "directory" }, purpose),
  ];
}

function joinCgroups(cgroups: CgroupHost): readonly Step[] {
  const unified = cgroups.mode === "v2" ? cgroups.directory : cgroups.unified?.directory;
  if (unified === undefined) return joinOpenCgroups(cgroups);
  const purpose: Purpose = { doing: `join cgroup ${unified}`, from: "/linux/cgroupsPath", path: unified };
  return [...joinOpenCgroups(cgroups), writeFile(`${unified}/cgroup.procs`, "0", purpose)];
}

/** The rootfs with all mount points in it, which criu does not make. */
function compileRoot(mounts: readonly PlannedMount[], request: Request, root: string): readonly Step[] {
  const { rootfs } = request;
  const bind: Purpose = { doing: `bind the rootfs ${rootfs}`, from: "/root/path", path: rootfs };
  const apart: Purpose = { doing: "make a mount namespace for criu", from: "" };
  const move = flags(MOVE_MOUNT.MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT);
  const place: readonly Step[] = [
    cloneTree(rootfs, true, ROOT, bind),
    { call: "move_mount", args: [register(ROOT), "", fdcwd(), root, move], purpose: bind },
  ];
  const points = mounts
    .filter((mount) => !mounts.some((other) => isCovered(mount, other)))
    .flatMap((mount) => compileMountPoint(mount, request));
  const again: readonly Step[] = [
    { call: "umount2", args: [root, flags(UMOUNT.MNT_DETACH, UMOUNT)], purpose: bind },
    ...place,
  ];
  return [
    makeDirectory(root, bind),
    { call: "unshare", args: [flags(CLONE.CLONE_NEWNS, CLONE)], purpose: apart },
    setAttributesAt("/", { propagation: PROPAGATION.MS_SLAVE }, true, apart),
    ...place,
    ...points,
    // What has been mounted to make mount points in it is criu's to mount.
    ...(points.length === 0 ? [] : again),
  ];
}

/** What is below a mount of a filesystem comes back with that filesystem. */
function isCovered({ destination }: PlannedMount, other: PlannedMount): boolean {
  return other.options.bind === "none" && destination.startsWith(`${other.destination}/`);
}

/** A bind mount is made, so that mount points in it can be. */
function compileMountPoint(planned: PlannedMount, request: Request): readonly Step[] {
  const { mount, destination, options, purpose } = planned;
  if (options.remount || mount.type === "cgroup" || mount.type === "cgroup2") return [];
  if (options.bind === "none") return [openInRoot({ path: destination, into: "target", make: "directory" }, purpose)];
  const path = sourcePath(mount, request);
  return [
    cloneTree(path, options.bind === "tree", "tree", { ...purpose, path }),
    openInRoot({ path: destination, into: "target", make: { like: "tree" } }, purpose),
    attach("tree", "target", purpose),
  ];
}
