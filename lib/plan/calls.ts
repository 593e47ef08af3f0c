/** The system calls that more than one part of a plan makes, each as one step. */
import { AT, AT_FDCWD, FILE_TYPE, FILESYSTEM_MAGIC, OPEN, RESOLVE } from "../linux/constants/files.ts";
import {
  FSCONFIG,
  FSMOUNT,
  FSOPEN,
  MOUNT_ATTR,
  MOVE_MOUNT,
  OPEN_TREE,
  PROPAGATION,
} from "../linux/constants/mounts.ts";
import { MAKE } from "./layout.ts";
import {
  type Argument,
  type Field,
  type Flags,
  flags,
  mode,
  type Purpose,
  register,
  type Step,
  type Struct,
} from "./step.ts";

/** The register with the root of the container's filesystem. */
export const ROOT = "root";

const OPEN_TREE_FLAGS = { ...OPEN_TREE, AT_EMPTY_PATH: AT.AT_EMPTY_PATH, AT_RECURSIVE: AT.AT_RECURSIVE };
const FDCWD: Flags = flags(AT_FDCWD, { AT_FDCWD });

/** What `openInRoot` makes where nothing is. */
export type Make = "nothing" | "directory" | "file" | { readonly like: string };

interface OpenInRoot {
  readonly path: string;
  readonly into: string;
  readonly make?: Make;
  /** Permission bits of what is made. */
  readonly mode?: number;
  /** Refuses symbolic links anywhere in the path. */
  readonly noSymlinks?: boolean;
  readonly root?: string;
}

/** openat2(2), RESOLVE_IN_ROOT: an O_PATH descriptor of a path that cannot lead out of the container's root. */
export function openInRoot(target: OpenInRoot, purpose: Purpose): Step {
  const make = target.make ?? "nothing";
  const scope = RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_MAGICLINKS;
  const resolve = target.noSymlinks ? scope | RESOLVE.RESOLVE_NO_SYMLINKS : scope;
  const kind = { nothing: MAKE.MAKE_NOTHING, directory: MAKE.MAKE_DIRECTORY, file: MAKE.MAKE_FILE };
  const permissions = target.mode ?? (make === "file" ? 0o644 : 0o755);
  const args: Argument[] = [
    register(target.root ?? ROOT),
    target.path,
    flags(typeof make === "object" ? MAKE.MAKE_LIKE : kind[make], MAKE),
    mode(permissions),
    flags(resolve, RESOLVE),
  ];
  if (typeof make === "object") args.push(register(make.like));
  return { call: "openInRoot", args, into: target.into, purpose };
}

interface OpenBeneath {
  /** The register with the directory that the path must not leave. */
  readonly root: string;
  readonly path: string;
  readonly access: readonly (keyof typeof OPEN)[];
  readonly noSymlinks?: boolean;
  readonly into: string;
}

/** openat2(2), RESOLVE_BENEATH and RESOLVE_NO_XDEV: a file of that very filesystem, whatever is mounted in it. */
export function openBeneath({ root, path, access, noSymlinks, into }: OpenBeneath, purpose: Purpose): Step {
  const open = openFlags(...access);
  const scope = RESOLVE.RESOLVE_BENEATH | RESOLVE.RESOLVE_NO_XDEV | RESOLVE.RESOLVE_NO_MAGICLINKS;
  const resolve = noSymlinks === true ? scope | RESOLVE.RESOLVE_NO_SYMLINKS : scope;
  // struct open_how: u64 flags, mode, resolve; little-endian
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Number(open.value), true);
  view.setUint32(16, resolve, true);
  const describe = () => `{${describeFlags(open)}, ${describeFlags(flags(resolve, RESOLVE))}}`;
  const how: Struct = { kind: "struct", bytes, describe };
  return { call: "openat2", args: [register(root), path, how, bytes.length], into, purpose };
}

/** open_tree(2): a detached copy of the mount (with those below it when `recursive`) at a path of the host. */
export function cloneTree(path: string, recursive: boolean, into: string, purpose: Purpose): Step {
  const bits = OPEN_TREE.OPEN_TREE_CLONE | OPEN_TREE.OPEN_TREE_CLOEXEC | (recursive ? AT.AT_RECURSIVE : 0);
  return { call: "open_tree", args: [fdcwd(), path, flags(bits, OPEN_TREE_FLAGS)], into, purpose };
}

/** open_tree(2): a detached copy of the mount at a descriptor. */
export function cloneFd(fd: string, recursive: boolean, into: string, purpose: Purpose): Step {
  const bits =
    OPEN_TREE.OPEN_TREE_CLONE | OPEN_TREE.OPEN_TREE_CLOEXEC | AT.AT_EMPTY_PATH | (recursive ? AT.AT_RECURSIVE : 0);
  return { call: "open_tree", args: [register(fd), "", flags(bits, OPEN_TREE_FLAGS)], into, purpose };
}

/** move_mount(2): attaches a detached mount to a descriptor that was opened, and so verified, before. */
export function attach(tree: string, target: string, purpose: Purpose): Step {
  const bits = MOVE_MOUNT.MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT.MOVE_MOUNT_T_EMPTY_PATH;
  return { call: "move_mount", args: [register(tree), "", register(target), "", flags(bits, MOVE_MOUNT)], purpose };
}

/** `struct mount_attr` of mount_setattr(2). */
export interface MountAttributes {
  readonly set?: number;
  readonly clear?: number;
  readonly propagation?: number;
}

/** mount_setattr(2) on a descriptor of a mount. */
export function setAttributes(fd: string, change: MountAttributes, recursive: boolean, purpose: Purpose): Step {
  const bits = AT.AT_EMPTY_PATH | (recursive ? AT.AT_RECURSIVE : 0);
  const attr = mountAttr(change);
  return { call: "mount_setattr", args: [register(fd), "", flags(bits, AT), attr, attr.bytes.length], purpose };
}

/** mount_setattr(2) with the descriptor of a user namespace, for MOUNT_ATTR_IDMAP. */
export function setAttributesIn(
  fd: string,
  change: MountAttributes,
  { namespace, isRecursive }: { readonly namespace: string; readonly isRecursive: boolean },
  purpose: Purpose,
): readonly Step[] {
  const attr = mountAttr(change, namespace);
  const bits = AT.AT_EMPTY_PATH | (isRecursive ? AT.AT_RECURSIVE : 0);
  const field: Field = { kind: "field", of: attr, at: MOUNT_ATTR_USERNS, name: "attr.userns_fd" };
  return [
    { call: "store", args: [field, register(namespace), 8], purpose },
    { call: "mount_setattr", args: [register(fd), "", flags(bits, AT), attr, attr.bytes.length], purpose },
  ];
}

/** Offset of u64 userns_fd in `struct mount_attr`. */
const MOUNT_ATTR_USERNS = 24;

/** mount_setattr(2) on a path of the host. */
export function setAttributesAt(path: string, change: MountAttributes, recursive: boolean, purpose: Purpose): Step {
  const attr = mountAttr(change);
  const bits = flags(recursive ? AT.AT_RECURSIVE : 0, AT);
  return { call: "mount_setattr", args: [fdcwd(), path, bits, attr, attr.bytes.length], purpose };
}

/** u64 attr_set, attr_clr, propagation, userns_fd; little-endian. */
function mountAttr({ set = 0, clear = 0, propagation = 0 }: MountAttributes, namespace?: string): Struct {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, set, true);
  view.setUint32(8, clear, true);
  view.setUint32(16, propagation, true);
  const describe = () => {
    const parts = [
      set === 0 ? "" : `set ${describeFlags(flags(set, MOUNT_ATTR))}`,
      clear === 0 ? "" : `clear ${describeFlags(flags(clear, MOUNT_ATTR))}`,
      propagation === 0 ? "" : describeFlags(flags(propagation, PROPAGATION)),
      namespace === undefined ? "" : `userns_fd=${namespace}`,
    ];
    return `{${parts.filter((part) => part !== "").join(", ")}}`;
  };
  return { kind: "struct", bytes, describe };
}

/** fsopen(2): a context in which a new mount of a filesystem is put together. */
export function openContext(fstype: string, purpose: Purpose): Step {
  return { call: "fsopen", args: [fstype, flags(FSOPEN.FSOPEN_CLOEXEC, FSOPEN)], into: "context", purpose };
}

/** fsconfig(2): `key=value`, or the flag `key`. */
export function setOption(key: string, value: string | undefined, purpose: Purpose): Step {
  const args: Argument[] =
    value === undefined
      ? [register("context"), flags(FSCONFIG.FSCONFIG_SET_FLAG, FSCONFIG), key, 0, 0]
      : [register("context"), flags(FSCONFIG.FSCONFIG_SET_STRING, FSCONFIG), key, value, 0];
  return { call: "fsconfig", args, purpose };
}

/** fsconfig(2), fsmount(2): makes the filesystem and a detached mount of it. */
export function createMount(attributes: number, into: string, purpose: Purpose): readonly Step[] {
  const create = flags(FSCONFIG.FSCONFIG_CMD_CREATE, FSCONFIG);
  const cloexec = flags(FSMOUNT.FSMOUNT_CLOEXEC, FSMOUNT);
  return [
    { call: "fsconfig", args: [register("context"), create, 0, 0, 0], purpose },
    { call: "fsmount", args: [register("context"), cloexec, flags(attributes, MOUNT_ATTR)], into, purpose },
  ];
}

/** Writes a text to a file of the host, by an absolute path that we chose, not the bundle. */
export function writeFile(path: string, text: string, purpose: Purpose): Step {
  return { call: "writeFile", args: [path, text, byteLength(text)], purpose };
}

/** write(2) of the whole text. */
export function writeTo(fd: string, text: string, purpose: Purpose): Step {
  return { call: "write", args: [register(fd), text, byteLength(text)], purpose };
}

/** mkdirat(2) of a directory of the host that may be there already. */
export function makeDirectory(path: string, purpose: Purpose): Step {
  return { call: "mkdirat", args: [fdcwd(), path, mode(0o755)], tolerated: ["EEXIST"], purpose };
}

/** Fails unless the descriptor is the null device (CVE-2025-31133). */
export function checkNullDevice(fd: string, purpose: Purpose): Step {
  return {
    call: "checkDevice",
    args: [register(fd), flags(FILE_TYPE.S_IFCHR, FILE_TYPE), 1, 3],
    refusal: "/dev/null of the container is not the null device",
    purpose,
  };
}

/** Fails unless the descriptor lies on the named filesystem, or, with `wanted` false, when it does. */
export function checkFilesystem(
  fd: string,
  magic: keyof typeof FILESYSTEM_MAGIC,
  wanted: boolean,
  purpose: Purpose,
): Step {
  const name = magic.replace(/(_SUPER)?_MAGIC$/, "").toLowerCase();
  return {
    call: "checkFilesystem",
    args: [register(fd), flags(FILESYSTEM_MAGIC[magic], FILESYSTEM_MAGIC), wanted ? 1 : 0],
    refusal: wanted ? `it is not on a ${name} filesystem` : `it leads into a ${name} filesystem`,
    purpose,
  };
}

/** The directory argument that means: relative to the working directory. */
export function fdcwd(): Flags {
  return FDCWD;
}

/** Flags of openat(2), by name. */
export function openFlags(...names: readonly (keyof typeof OPEN)[]): Flags {
  return flags(
    names.reduce((bits, name) => bits | OPEN[name], 0),
    OPEN,
  );
}

/** `A|B`, with bits that have no name in hexadecimal. */
export function describeFlags({ value, names }: Flags): string {
  const exact = Object.entries(names).find(([, bits]) => BigInt(bits) === BigInt(value));
  if (exact !== undefined) return exact[0];
  let rest = BigInt(value);
  const found: string[] = [];
  for (const [name, bit] of Object.entries(names)) {
    const bits = BigInt(bit);
    if (bits === 0n || (rest & bits) !== bits) continue;
    found.push(name);
    rest &= ~bits;
  }
  if (rest !== 0n || found.length === 0) found.push(rest === 0n ? "0" : `0x${rest.toString(16)}`);
  return found.join("|");
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
