import { MOUNT_ATTR, MOVE_MOUNT, MS_REC, PROPAGATION, UMOUNT } from "../linux/constants/mounts.ts";
import type { Linux, RootfsPropagation } from "../spec/config.ts";
import { attach, cloneTree, fdcwd, openFlags, ROOT, setAttributes, setAttributesAt } from "./calls.ts";
import type { Host, Request } from "./host.ts";
import { flags, type Purpose, register, type Step } from "./step.ts";

const PROPAGATIONS: Readonly<Record<RootfsPropagation, number>> = {
  shared: PROPAGATION.MS_SHARED,
  slave: PROPAGATION.MS_SLAVE,
  private: PROPAGATION.MS_PRIVATE,
  unbindable: PROPAGATION.MS_UNBINDABLE,
  rshared: PROPAGATION.MS_SHARED | MS_REC,
  rslave: PROPAGATION.MS_SLAVE | MS_REC,
  rprivate: PROPAGATION.MS_PRIVATE | MS_REC,
  runbindable: PROPAGATION.MS_UNBINDABLE | MS_REC,
};

/** Whether the mount around the rootfs may still be shared with the host, so that it has to be known and made private. */
export function needsRootfsMountPoint(linux: Linux): boolean {
  const propagation = linux.rootfsPropagation;
  return propagation !== undefined && propagation !== "rslave" && propagation !== "rprivate";
}

export interface RootfsContext {
  /** The container has a mount namespace. */
  readonly hasMounts: boolean;
  /** A copy of the rootfs is in the register `root`, and its place is open, by openRootfsPlace(). */
  readonly isOpen: boolean;
}

/**
 * Cuts the new mount namespace off the host's and makes the rootfs a mount of its own, in the register `root`. Without
 * a mount namespace nothing is mounted, and the root is the directory alone.
 */
export function compileRootfs(linux: Linux, host: Host, request: Request, how: RootfsContext): readonly Step[] {
  const propagation = linux.rootfsPropagation;
  const bits = propagation === undefined ? PROPAGATION.MS_SLAVE | MS_REC : PROPAGATIONS[propagation];
  const isolate: Purpose = {
    doing: "set the propagation of /",
    from: propagation === undefined ? "" : "/linux/rootfsPropagation",
    path: "/",
  };
  const bind: Purpose = { doing: `bind the rootfs ${request.rootfs}`, from: "/root/path", path: request.rootfs };
  const parent = host.rootfsMountPoint;
  if (!how.hasMounts) {
    const access = openFlags("O_DIRECTORY", "O_PATH", "O_CLOEXEC");
    return [{ call: "openat", args: [fdcwd(), request.rootfs, access], into: ROOT, purpose: bind }];
  }
  const move = flags(MOVE_MOUNT.MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT);
  const byPath: Step = {
    call: "move_mount",
    args: [register(ROOT), "", fdcwd(), request.rootfs, move],
    purpose: bind,
  };
  return [
    setAttributesAt("/", { propagation: bits & ~MS_REC }, (bits & MS_REC) !== 0, isolate),
    // With a shared mount around it the rootfs would appear on the host, and pivot_root(2) would refuse it.
    ...(parent === undefined ? [] : [setAttributesAt(parent, { propagation: PROPAGATION.MS_PRIVATE }, false, isolate)]),
    ...(how.isOpen ? [] : [cloneTree(request.rootfs, true, ROOT, bind)]),
    how.isOpen ? attach(ROOT, PLACE, bind) : byPath,
  ];
}

/** The register with the directory that is the rootfs, in init's mount namespace. */
const PLACE = "rootfsPlace";

/** openat(2) of the place where the rootfs becomes a mount, for when its path cannot be walked any more. */
export function openRootfsPlace({ rootfs }: Request): Step {
  const purpose: Purpose = { doing: `open the rootfs ${rootfs}`, from: "/root/path", path: rootfs };
  const access = openFlags("O_DIRECTORY", "O_PATH", "O_CLOEXEC");
  return { call: "openat", args: [fdcwd(), rootfs, access], into: PLACE, purpose };
}

const ENTER: Purpose = { doing: "enter the rootfs", from: "/root/path", path: "/" };

/** createContainer hooks start in the rootfs, with the host's files still in sight. */
export function enterForHooks(): Step {
  return { call: "fchdir", args: [register(ROOT)], purpose: { ...ENTER, doing: "enter the rootfs for hooks" } };
}

/** pivot_root(2) without a place to put the old root: it is stacked below the new one and let go. */
export function compilePivot(): readonly Step[] {
  return [
    {
      call: "openat",
      args: [fdcwd(), "/", openFlags("O_DIRECTORY", "O_PATH", "O_CLOEXEC")],
      into: "oldRoot",
      purpose: ENTER,
    },
    { call: "fchdir", args: [register(ROOT)], purpose: ENTER },
    { call: "pivot_root", args: [".", "."], purpose: ENTER },
    { call: "fchdir", args: [register("oldRoot")], purpose: ENTER },
    // What is unmounted here must not be unmounted on the host.
    setAttributes("oldRoot", { propagation: PROPAGATION.MS_SLAVE }, true, ENTER),
    { call: "umount2", args: [".", flags(UMOUNT.MNT_DETACH, UMOUNT)], purpose: ENTER },
    { call: "chdir", args: ["/"], purpose: ENTER },
  ];
}

/** `--no-pivot`, for a root that cannot be pivoted (an initramfs): the rootfs is moved over / and entered. */
export function compileMoveRoot(hasMounts: boolean, kernelMounts: readonly string[]): readonly Step[] {
  const bits = flags(MOVE_MOUNT.MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT);
  const move: Step = { call: "move_mount", args: [register(ROOT), "", fdcwd(), "/", bits], purpose: ENTER };
  return [
    // Whoever breaks out of a chroot is not to find the host's.
    ...(hasMounts ? kernelMounts.toReversed().map(letGo) : []),
    { call: "fchdir", args: [register(ROOT)], purpose: ENTER },
    ...(hasMounts ? [move] : []),
    { call: "chroot", args: ["."], purpose: ENTER },
    { call: "chdir", args: ["/"], purpose: ENTER },
  ];
}

function letGo(path: string): Step {
  const purpose: Purpose = { doing: `let go of the host's ${path}`, from: "/root/path", path };
  return { call: "umount2", args: [path, flags(UMOUNT.MNT_DETACH, UMOUNT)], tolerated: ["EINVAL"], purpose };
}

/** Propagation of the container's own root, which pivot_root(2) wants to be private until then. */
export function compileRootPropagation(linux: Linux): readonly Step[] {
  const propagation = linux.rootfsPropagation;
  if (propagation === undefined) return [];
  const bits = PROPAGATIONS[propagation] & ~MS_REC;
  if (bits !== PROPAGATION.MS_SHARED && bits !== PROPAGATION.MS_UNBINDABLE) return [];
  const purpose: Purpose = { doing: "set the propagation of the root", from: "/linux/rootfsPropagation", path: "/" };
  return [setAttributes(ROOT, { propagation: bits }, (PROPAGATIONS[propagation] & MS_REC) !== 0, purpose)];
}

/** config.md § Root, `readonly`: last of all, when nothing has to be made in it any more. */
export function compileReadonlyRoot(): readonly Step[] {
  const purpose: Purpose = { doing: "make the root read-only", from: "/root/readonly", path: "/" };
  return [setAttributes(ROOT, { set: MOUNT_ATTR.MOUNT_ATTR_RDONLY }, false, purpose)];
}
