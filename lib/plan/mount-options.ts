import { MOUNT_ATTR, MOUNT_ATTR__ATIME, MS_REC, PROPAGATION } from "../linux/constants/mounts.ts";

/** The options of a mount, sorted by what they act on. */
export interface MountOptions {
  /** `bind` or `rbind`: whether mounts below the source come along. */
  readonly bind: "none" | "one" | "tree";
  readonly remount: boolean;
  /** Attributes of the mount itself. */
  readonly set: number;
  readonly clear: number;
  /** Attributes of the mount and of all below it. */
  readonly recursiveSet: number;
  readonly recursiveClear: number;
  /** PROPAGATION bits, in order, each perhaps with MS_REC. */
  readonly propagation: readonly number[];
  readonly copyUp: boolean;
  /** Id-mapped by the option: `idmap` or `ridmap`. */
  readonly idmap: "none" | "one" | "tree";
  /** What the filesystem itself is told, in the order of the options; `index` is that of the option. */
  readonly filesystem: readonly FilesystemOption[];
}

export interface FilesystemOption {
  readonly key: string;
  /** Undefined for a flag. */
  readonly value: string | undefined;
  readonly index: number;
  /** mount(2) has a flag for it, which every filesystem takes, and a bind mount passes over. */
  readonly isCommon?: true;
}

interface Effect {
  readonly set?: number;
  readonly clear?: number;
  readonly propagation?: number;
  /** A flag every filesystem context takes. */
  readonly superblock?: string;
  readonly special?: "bind" | "rbind" | "remount" | "tmpcopyup" | "idmap" | "ridmap";
}

const {
  MOUNT_ATTR_RDONLY: RDONLY,
  MOUNT_ATTR_NOSUID: NOSUID,
  MOUNT_ATTR_NODEV: NODEV,
  MOUNT_ATTR_NOEXEC: NOEXEC,
  MOUNT_ATTR_NOATIME: NOATIME,
  MOUNT_ATTR_STRICTATIME: STRICTATIME,
  MOUNT_ATTR_NODIRATIME: NODIRATIME,
  MOUNT_ATTR_NOSYMFOLLOW: NOSYMFOLLOW,
} = MOUNT_ATTR;

/** Options of one mount that also exist for the whole tree, with an `r` before the name. */
const ATTRIBUTES: Readonly<Record<string, Effect>> = {
  ro: { set: RDONLY },
  rw: { clear: RDONLY },
  nosuid: { set: NOSUID },
  suid: { clear: NOSUID },
  nodev: { set: NODEV },
  dev: { clear: NODEV },
  noexec: { set: NOEXEC },
  exec: { clear: NOEXEC },
  nodiratime: { set: NODIRATIME },
  diratime: { clear: NODIRATIME },
  // The access time is one field of three values: setting one clears the field, RELATIME is 0.
  noatime: { set: NOATIME, clear: MOUNT_ATTR__ATIME },
  atime: { clear: MOUNT_ATTR__ATIME },
  relatime: { clear: MOUNT_ATTR__ATIME },
  norelatime: { clear: MOUNT_ATTR__ATIME },
  strictatime: { set: STRICTATIME, clear: MOUNT_ATTR__ATIME },
  nostrictatime: { clear: MOUNT_ATTR__ATIME },
  nosymfollow: { set: NOSYMFOLLOW },
  symfollow: { clear: NOSYMFOLLOW },
};

const OTHERS: Readonly<Record<string, Effect>> = {
  defaults: {},
  bind: { special: "bind" },
  rbind: { special: "rbind" },
  remount: { special: "remount" },
  tmpcopyup: { special: "tmpcopyup" },
  idmap: { special: "idmap" },
  ridmap: { special: "ridmap" },
  private: { propagation: PROPAGATION.MS_PRIVATE },
  shared: { propagation: PROPAGATION.MS_SHARED },
  slave: { propagation: PROPAGATION.MS_SLAVE },
  unbindable: { propagation: PROPAGATION.MS_UNBINDABLE },
  rprivate: { propagation: PROPAGATION.MS_PRIVATE | MS_REC },
  rshared: { propagation: PROPAGATION.MS_SHARED | MS_REC },
  rslave: { propagation: PROPAGATION.MS_SLAVE | MS_REC },
  runbindable: { propagation: PROPAGATION.MS_UNBINDABLE | MS_REC },
  sync: { superblock: "sync" },
  async: { superblock: "async" },
  dirsync: { superblock: "dirsync" },
  lazytime: { superblock: "lazytime" },
  nolazytime: { superblock: "nolazytime" },
  mand: { superblock: "mand" },
  nomand: { superblock: "nomand" },
  // Read by mount(8) and by mount(2) only; a filesystem context has nothing to do for them.
  iversion: {},
  noiversion: {},
  silent: {},
  loud: {},
};

/**
 * config.md § Mounts, `options`: a name that is no option of mount(8) is one of the filesystem's own. An empty one, such as
 * podman's where there is no label, says nothing: mount(2) passes over it.
 */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const parser = new Parser();
  options.forEach((option, index) => {
    if (option !== "") parser.add(option, index);
  });
  return parser.result;
}

/** What a user namespace locks of the mounts it did not make: the flag, and the option that asks to be without. */
const LOCKABLE = [
  { bit: RDONLY, flag: "ro", option: "rw" },
  { bit: NOSUID, flag: "nosuid", option: "suid" },
  { bit: NODEV, flag: "nodev", option: "dev" },
  { bit: NOEXEC, flag: "noexec", option: "exec" },
] as const;

/** What options ask of flags that may be locked. */
export interface LockableChange {
  /** Flags that are to be gone. */
  readonly cleared: readonly { readonly flag: string; readonly option: string }[];
  /** Whether they speak of access times, which are locked as they are. */
  readonly accessTime: boolean;
}

/** mount_namespaces(7): what of the options the kernel refuses where the mount has it locked. */
export function lockableChange(options: MountOptions): LockableChange {
  const clear = options.clear | options.recursiveClear;
  return {
    cleared: LOCKABLE.filter(({ bit }) => (clear & bit) !== 0),
    accessTime: ((clear | options.set | options.recursiveSet) & MOUNT_ATTR__ATIME) !== 0,
  };
}

/** Every option name that is not handed to the filesystem, for `features`. */
export function mountOptionNames(): readonly string[] {
  return [
    ...Object.keys(ATTRIBUTES),
    ...Object.keys(ATTRIBUTES).map((name) => `r${name}`),
    ...Object.keys(OTHERS),
  ].sort();
}

class Parser {
  readonly result = {
    bind: "none" as MountOptions["bind"],
    remount: false,
    set: 0,
    clear: 0,
    recursiveSet: 0,
    recursiveClear: 0,
    propagation: [] as number[],
    copyUp: false,
    idmap: "none" as MountOptions["idmap"],
    filesystem: [] as FilesystemOption[],
  };

  add(option: string, index: number): void {
    const one = find(ATTRIBUTES, option);
    if (one !== undefined) {
      const { set, clear } = override(this.result.set, this.result.clear, one);
      this.result.set = set;
      this.result.clear = clear;
      return;
    }
    const tree = option.startsWith("r") ? find(ATTRIBUTES, option.slice(1)) : undefined;
    if (tree !== undefined) {
      const { set, clear } = override(this.result.recursiveSet, this.result.recursiveClear, tree);
      this.result.recursiveSet = set;
      this.result.recursiveClear = clear;
      return;
    }
    this.#addOther(option, index);
  }

  #addOther(option: string, index: number): void {
    const effect = find(OTHERS, option);
    if (effect === undefined) {
      const equals = option.indexOf("=");
      const key = equals === -1 ? option : option.slice(0, equals);
      this.result.filesystem.push({ key, value: equals === -1 ? undefined : option.slice(equals + 1), index });
      return;
    }
    if (effect.propagation !== undefined) this.result.propagation.push(effect.propagation);
    if (effect.superblock !== undefined) {
      this.result.filesystem.push({ key: effect.superblock, value: undefined, index, isCommon: true });
    }
    if (effect.special !== undefined) this.#special(effect.special);
  }

  #special(special: NonNullable<Effect["special"]>): void {
    switch (special) {
      case "bind":
        this.result.bind = this.result.bind === "tree" ? "tree" : "one";
        break;
      case "rbind":
        this.result.bind = "tree";
        break;
      case "remount":
        this.result.remount = true;
        break;
      case "tmpcopyup":
        this.result.copyUp = true;
        break;
      case "idmap":
        this.result.idmap = this.result.idmap === "tree" ? "tree" : "one";
        break;
      case "ridmap":
        this.result.idmap = "tree";
        break;
    }
  }
}

/** Names such as `constructor` are options of a filesystem. */
function find(table: Readonly<Record<string, Effect>>, option: string): Effect | undefined {
  return Object.hasOwn(table, option) ? table[option] : undefined;
}

/** The later of two options that speak of the same attribute wins. */
function override(set: number, clear: number, effect: Effect): { readonly set: number; readonly clear: number } {
  const newSet = effect.set ?? 0;
  const newClear = effect.clear ?? 0;
  return { set: (set & ~newClear) | newSet, clear: (clear & ~newSet) | newClear };
}
