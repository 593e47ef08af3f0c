import { ContainerError } from "../errors.ts";
import { MOUNT_ATTR, MS, MS_REC, PROPAGATION } from "../linux/constants/mounts.ts";
import { CLONE_NEW } from "../linux/constants/processes.ts";
import { attach, cloneTree, fdcwd, openFlags, setAttributesIn } from "./calls.ts";
import { makeNamespace } from "./idmap.ts";
import { compileDescriptors, tieToRuntime } from "./process.ts";
import { CONTROL, close, flags, mode, type Purpose, register, type Step } from "./step.ts";

/** A mount whose files have other owners than on the disk. */
export interface IdmappedMount {
  readonly type: string;
  readonly source: string;
  /** Absolute path of a directory. */
  readonly target: string;
  /** containerd's options `uidmap=` and `gidmap=`: `INSIDE:OUTSIDE:SIZE`, separated by commas. */
  readonly mappings: readonly string[];
  /** Of mount(2). */
  readonly flags: number;
  /** The options of the filesystem itself. */
  readonly data: readonly string[];
}

/** A program that makes such a mount. @throws {ContainerError} invalid_argument for what it cannot be made of */
export function compileIdmappedMount(mount: IdmappedMount): readonly Step[] {
  const { type, target } = mount;
  const purpose: Purpose = { doing: `mount ${type} with mapped ids on ${target}`, from: "", path: target };
  const maps = { uidMap: mapText(mount.mappings, "uidmap"), gidMap: mapText(mount.mappings, "gidmap") };
  const steps = type === "overlay" ? compileOverlay(mount, purpose) : compileBind(mount, purpose);
  return [
    ...compileDescriptors([CONTROL], 0, false),
    ...tieToRuntime(),
    ...makeNamespace(maps, NAMESPACE, purpose),
    { call: "openat", args: [fdcwd(), target, PLACE], into: "target", purpose },
    ...steps,
    attach("tree", "target", purpose),
    { call: "exit_group", args: [0], purpose },
  ];
}

const NAMESPACE = "idmap";
const READ = openFlags("O_RDONLY", "O_CLOEXEC");
const PLACE = openFlags("O_PATH", "O_DIRECTORY", "O_CLOEXEC");

const MAPPING = /^\d{1,10}:\d{1,10}:\d{1,10}$/;

function mapText(options: IdmappedMount["mappings"], name: "uidmap" | "gidmap"): string {
  const text = options.findLast((option) => option.startsWith(`${name}=`));
  if (text === undefined) throw refusal(`${options.join()} alone: a mount takes uidmap and gidmap`);
  const mappings = text.slice(name.length + 1).split(",");
  const wrong = mappings.find((mapping) => !MAPPING.test(mapping));
  if (wrong !== undefined) throw refusal(`${name} ${JSON.stringify(wrong)}: must be INSIDE:OUTSIDE:SIZE`);
  return mappings.map((mapping) => `${mapping.replaceAll(":", " ")}\n`).join("");
}

function refusal(what: string): ContainerError {
  return new ContainerError("invalid_argument", `cannot mount with ${what}`);
}

/** Where the overlay is, beside its layers. */
const MERGED = "merged";
const LOWERDIR = "lowerdir=";

/**
 * An overlay of id-mapped layers. It takes layers by paths, and only mounts of its own mount namespace: so all are made in
 * one that ends with this program, and nothing else is left, however that ends. What is written goes to the upper directory
 * with ids that are mapped already.
 */
function compileOverlay({ target, flags: bits, data }: IdmappedMount, purpose: Purpose): readonly Step[] {
  const layers = data
    .filter((option) => option.startsWith(LOWERDIR))
    .flatMap((option) => option.slice(LOWERDIR.length).split(":"));
  const rest = data.filter((option) => !option.startsWith(LOWERDIR));
  // Relative paths: the options of many layers have to fit into a page.
  const lowerdir = `${LOWERDIR}${layers.map((_, index) => index).join(":")}`;
  const propagation = flags((PROPAGATION.MS_PRIVATE | MS_REC) >>> 0, { ...PROPAGATION, MS_REC });
  return [
    { call: "openat", args: [fdcwd(), "/proc/self/ns/mnt", READ], into: "mounts", purpose },
    { call: "unshare", args: [flags(CLONE_NEW.CLONE_NEWNS, CLONE_NEW)], purpose },
    { call: "mount", args: ["", "/", "", propagation, 0], purpose },
    { call: "mount", args: ["tmpfs", target, "tmpfs", flags(0, MS), "mode=700"], purpose },
    { call: "chdir", args: [target], purpose },
    ...layers.flatMap((layer, index) => compileLayer(layer, String(index), purpose)),
    { call: "mkdirat", args: [fdcwd(), MERGED, mode(0o755)], purpose },
    { call: "mount", args: ["overlay", MERGED, "overlay", flags(bits, MS), [...rest, lowerdir].join(",")], purpose },
    cloneTree(MERGED, false, "tree", purpose),
    { call: "setns", args: [register("mounts"), flags(CLONE_NEW.CLONE_NEWNS, CLONE_NEW)], purpose },
  ];
}

/** Nobody writes to a layer, least of all by a mistake. */
function compileLayer(layer: string, name: string, { from }: Purpose): readonly Step[] {
  const purpose: Purpose = { doing: `map the ids of ${layer}`, from, path: layer };
  const set = MOUNT_ATTR.MOUNT_ATTR_IDMAP | MOUNT_ATTR.MOUNT_ATTR_RDONLY;
  return [
    { call: "mkdirat", args: [fdcwd(), name, mode(0o755)], purpose },
    { call: "openat", args: [fdcwd(), name, PLACE], into: "place", purpose },
    cloneTree(layer, false, "layer", purpose),
    ...setAttributesIn("layer", { set }, { namespace: NAMESPACE, isRecursive: false }, purpose),
    attach("layer", "place", purpose),
    close("layer", purpose),
    close("place", purpose),
  ];
}

/** These have the same bits in mount(2) and in mount_setattr(2). */
const ATTRIBUTES = MS.MS_RDONLY | MS.MS_NOSUID | MS.MS_NODEV | MS.MS_NOEXEC;

function compileBind({ type, source, flags: bits, data }: IdmappedMount, purpose: Purpose): readonly Step[] {
  if ((bits & ~ATTRIBUTES & ~MS_REC) !== MS.MS_BIND || data.length > 0) {
    throw refusal(
      `mapped ids what is ${type} of ${source}: only overlays and binds, ro, nosuid, nodev and noexec, can`,
    );
  }
  const isRecursive = (bits & MS_REC) !== 0;
  const set = MOUNT_ATTR.MOUNT_ATTR_IDMAP | (bits & ATTRIBUTES);
  return [
    cloneTree(source, isRecursive, "tree", purpose),
    ...setAttributesIn("tree", { set }, { namespace: NAMESPACE, isRecursive }, purpose),
  ];
}
