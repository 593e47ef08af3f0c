import { pointerTo } from "../json-pointer.ts";
import { MOUNT_ATTR } from "../linux/constants/mounts.ts";
import { CLONE_NEW, SIGNALS, WAIT } from "../linux/constants/processes.ts";
import type { IdMapping, Linux } from "../spec/config.ts";
import { fdcwd, openFlags, setAttributesIn, writeTo } from "./calls.ts";
import { prctl } from "./credentials.ts";
import type { PlannedMount } from "./mounts.ts";
import { close, type Flags, flags, type Purpose, register, type Step } from "./step.ts";

/** Whether a mount shows its files with other owners than they have: config.md § Mounts, `idmap` and mappings. */
export function isIdmapped({ mount, options }: PlannedMount): boolean {
  return options.idmap !== "none" || (mount.uidMappings ?? []).length > 0;
}

/** The descriptors of user namespaces whose mappings mounts take, opened for each kind of mapping once. */
export class IdmapNamespaces {
  readonly #linux: Linux;
  /** Mappings as text → register. */
  readonly #open = new Map<string, string>();

  constructor(linux: Linux) {
    this.#linux = linux;
  }

  /** The steps that map the ids of a detached mount: its own mappings or, without, those of the container. */
  compile(planned: PlannedMount, tree: string): readonly Step[] {
    if (!isIdmapped(planned)) return [];
    const { mount, options, destination, purpose } = planned;
    const hasOwn = (mount.uidMappings ?? []).length > 0;
    const from = hasOwn ? pointerTo(purpose.from, "uidMappings") : pointerTo(purpose.from, "options");
    const mapping: Purpose = {
      doing: `map the ids of ${mount.source ?? ""} on ${destination}`,
      from,
      path: mount.source ?? "",
    };
    const isRecursive = options.idmap === "tree";
    const { steps, namespace } = this.#find(mount.uidMappings ?? [], mount.gidMappings ?? [], mapping);
    return [...steps, ...mapIds(tree, namespace, isRecursive, mapping)];
  }

  #find(uids: readonly IdMapping[], gids: readonly IdMapping[], purpose: Purpose) {
    const { namespaces = [], uidMappings = [], gidMappings = [] } = this.#linux;
    const path = namespaces.find(({ type }) => type === "user")?.path;
    const isJoined = uids.length === 0 && path !== undefined;
    const [uidMap, gidMap] = (uids.length === 0 ? [uidMappings, gidMappings] : [uids, gids]).map(mapText);
    const key = isJoined ? path : `${uidMap}/${gidMap}`;
    const known = this.#open.get(key);
    if (known !== undefined) return { steps: [], namespace: known };
    const namespace = `idmap${this.#open.size}`;
    this.#open.set(key, namespace);
    const access = openFlags("O_RDONLY", "O_CLOEXEC");
    const join: Step = { call: "openat", args: [fdcwd(), path ?? "", access], into: namespace, purpose };
    return { steps: isJoined ? [join] : makeNamespace({ uidMap, gidMap }, namespace, purpose), namespace };
  }
}

/** What is written to uid_map and gid_map. */
export interface IdMaps {
  readonly uidMap: string | undefined;
  readonly gidMap: string | undefined;
}

function mapText(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join("");
}

/** mount_setattr(2), MOUNT_ATTR_IDMAP: before the mount is attached, and once. */
function mapIds(tree: string, namespace: string, isRecursive: boolean, purpose: Purpose): readonly Step[] {
  return setAttributesIn(tree, { set: MOUNT_ATTR.MOUNT_ATTR_IDMAP }, { namespace, isRecursive }, purpose).map(
    (step) => ({
      ...step,
      hints: {
        EINVAL: "its filesystem does not support id-mapped mounts, or it is one already",
        EPERM: "its filesystem belongs to a user namespace that tsrun has no privilege over",
      },
    }),
  );
}

const CLONE_FILES = 0x400;
const CHILD: Flags = flags(CLONE_FILES | SIGNALS.SIGCHLD, { CLONE_FILES, SIGCHLD: SIGNALS.SIGCHLD });

/**
 * user_namespaces(7) with these mappings, without a process of the container in it. A helper makes it and stops; it shares
 * the table of descriptors, so that it can put its own directory in /proc in the place of `helperProc`: its pid, and so
 * the path, is not known when this is compiled. Then its files are written by this process, who has the privilege.
 */
export function makeNamespace({ uidMap = "", gidMap = "" }: IdMaps, into: string, purpose: Purpose): readonly Step[] {
  const directory = openFlags("O_DIRECTORY", "O_PATH", "O_CLOEXEC");
  const helper = [
    prctl("PR_SET_PDEATHSIG", [flags(SIGNALS.SIGKILL, SIGNALS)], purpose),
    { call: "openat", args: [fdcwd(), "/proc/self", directory], into: "self", purpose },
    { call: "dup3", args: [register("self"), register(HELPER_PROC), openFlags("O_CLOEXEC")], purpose },
    { call: "unshare", args: [flags(CLONE_NEW.CLONE_NEWUSER, CLONE_NEW)], purpose },
    { call: "getpid", args: [], into: "self", purpose },
    { call: "kill", args: [register("self"), flags(SIGNALS.SIGSTOP, SIGNALS)], purpose },
    { call: "exit_group", args: [0], purpose },
  ] as const satisfies readonly Step[];
  const own = [
    // Until it has stopped, or ended over a refusal that it has reported: then it has no files either.
    wait(WAIT.WUNTRACED, purpose),
    ...writeMap("uid_map", uidMap, purpose),
    ...writeMap("gid_map", gidMap, purpose),
    { call: "openat", args: [register(HELPER_PROC), "ns/user", openFlags("O_RDONLY", "O_CLOEXEC")], into, purpose },
    { call: "kill", args: [register(HELPER), flags(SIGNALS.SIGKILL, SIGNALS)], purpose },
    wait(0, purpose),
    { ...close(HELPER_PROC, purpose), skip: helper.length },
  ] as const satisfies readonly Step[];
  return [
    { call: "openat", args: [fdcwd(), "/proc", directory], into: HELPER_PROC, purpose },
    { call: "clone", args: [CHILD, 0, 0, 0, 0], into: HELPER, skip: own.length, skipOnZero: true, purpose },
    ...own,
    ...helper,
  ];
}

const HELPER = "helper";
const HELPER_PROC = "helperProc";

function wait(options: number, purpose: Purpose): Step {
  return { call: "wait4", args: [register(HELPER), 0, flags(options, WAIT), 0], purpose };
}

function writeMap(file: "uid_map" | "gid_map", text: string, purpose: Purpose): readonly Step[] {
  const access = openFlags("O_WRONLY", "O_CLOEXEC");
  return [
    { call: "openat", args: [register(HELPER_PROC), file, access], into: "map", purpose },
    writeTo("map", text, purpose),
    close("map", purpose),
  ];
}
