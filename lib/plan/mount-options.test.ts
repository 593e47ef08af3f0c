import { expect } from "chai";
import { describe, it } from "mocha";
import { MOUNT_ATTR, MOUNT_ATTR__ATIME, MS_REC, PROPAGATION } from "../linux/constants/mounts.ts";
import { type MountOptions, mountOptionNames, parseMountOptions } from "./mount-options.ts";

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

const NOTHING: MountOptions = {
  bind: "none",
  remount: false,
  set: 0,
  clear: 0,
  recursiveSet: 0,
  recursiveClear: 0,
  propagation: [],
  copyUp: false,
  idmap: "none",
  filesystem: [],
};

/** Option → bits to set and to clear; each exists with an `r` before it, for the tree. */
const ATTRIBUTES: readonly (readonly [option: string, set: number, clear: number])[] = [
  ["ro", RDONLY, 0],
  ["rw", 0, RDONLY],
  ["nosuid", NOSUID, 0],
  ["suid", 0, NOSUID],
  ["nodev", NODEV, 0],
  ["dev", 0, NODEV],
  ["noexec", NOEXEC, 0],
  ["exec", 0, NOEXEC],
  ["nodiratime", NODIRATIME, 0],
  ["diratime", 0, NODIRATIME],
  ["noatime", NOATIME, MOUNT_ATTR__ATIME & ~NOATIME],
  ["atime", 0, MOUNT_ATTR__ATIME],
  ["relatime", 0, MOUNT_ATTR__ATIME],
  ["norelatime", 0, MOUNT_ATTR__ATIME],
  ["strictatime", STRICTATIME, MOUNT_ATTR__ATIME & ~STRICTATIME],
  ["nostrictatime", 0, MOUNT_ATTR__ATIME],
  ["nosymfollow", NOSYMFOLLOW, 0],
  ["symfollow", 0, NOSYMFOLLOW],
];

const OTHERS: Readonly<Record<string, Partial<MountOptions>>> = {
  defaults: {},
  bind: { bind: "one" },
  rbind: { bind: "tree" },
  remount: { remount: true },
  tmpcopyup: { copyUp: true },
  idmap: { idmap: "one" },
  ridmap: { idmap: "tree" },
  private: { propagation: [PROPAGATION.MS_PRIVATE] },
  shared: { propagation: [PROPAGATION.MS_SHARED] },
  slave: { propagation: [PROPAGATION.MS_SLAVE] },
  unbindable: { propagation: [PROPAGATION.MS_UNBINDABLE] },
  rprivate: { propagation: [PROPAGATION.MS_PRIVATE | MS_REC] },
  rshared: { propagation: [PROPAGATION.MS_SHARED | MS_REC] },
  rslave: { propagation: [PROPAGATION.MS_SLAVE | MS_REC] },
  runbindable: { propagation: [PROPAGATION.MS_UNBINDABLE | MS_REC] },
  sync: flag("sync"),
  async: flag("async"),
  dirsync: flag("dirsync"),
  lazytime: flag("lazytime"),
  nolazytime: flag("nolazytime"),
  mand: flag("mand"),
  nomand: flag("nomand"),
  iversion: {},
  noiversion: {},
  silent: {},
  loud: {},
};

function flag(key: string): Partial<MountOptions> {
  return { filesystem: [{ key, value: undefined, index: 0, isCommon: true }] };
}

/**
 * The bits that a mount has after the options, by the rule of mount_setattr(2): clear, then set. An attribute that is
 * both set and cleared is one of the access time field.
 */
function apply({ set, clear }: { readonly set: number; readonly clear: number }, before: number): number {
  return (before & ~clear) | set;
}

describe("parseMountOptions()", () => {
  for (const [option, set, clear] of ATTRIBUTES) {
    it(`${option}: of the mount alone`, () => {
      const parsed = parseMountOptions([option]);
      expect(parsed).to.deep.equal({ ...NOTHING, set, clear: parsed.clear });
      expect(parsed.clear & ~set).to.equal(clear & ~set);
    });
    it(`r${option}: of the whole tree`, () => {
      const parsed = parseMountOptions([`r${option}`]);
      expect(parsed).to.deep.equal({ ...NOTHING, recursiveSet: set, recursiveClear: parsed.recursiveClear });
      expect(parsed.recursiveClear & ~set).to.equal(clear & ~set);
    });
  }

  for (const [option, effect] of Object.entries(OTHERS)) {
    it(`${option}: ${JSON.stringify(effect)}`, () => {
      expect(parseMountOptions([option])).to.deep.equal({ ...NOTHING, ...effect });
    });
  }

  it("is nothing without options", () => {
    expect(parseMountOptions([])).to.deep.equal(NOTHING);
    expect(parseMountOptions([""])).to.deep.equal(NOTHING);
  });

  const all = Object.values(MOUNT_ATTR).reduce((bits: number, bit) => bits | bit, 0);
  const orders: readonly {
    readonly options: readonly string[];
    readonly before: number;
    readonly after: number;
  }[] = [
    { options: ["ro", "rw"], before: 0, after: 0 },
    { options: ["rw", "ro"], before: 0, after: RDONLY },
    { options: ["ro", "rw"], before: RDONLY, after: 0 },
    { options: ["nosuid", "nodev", "suid"], before: 0, after: NODEV },
    { options: ["noexec", "noexec"], before: 0, after: NOEXEC },
    { options: ["noatime", "strictatime"], before: NOATIME, after: STRICTATIME },
    { options: ["strictatime", "relatime"], before: NOATIME, after: 0 },
    { options: ["relatime", "noatime"], before: STRICTATIME, after: NOATIME },
    { options: ["noatime", "nodiratime"], before: 0, after: NOATIME | NODIRATIME },
    { options: ["noatime"], before: STRICTATIME, after: NOATIME },
    { options: ["defaults"], before: all, after: all },
  ];
  for (const { options, before, after } of orders) {
    it(`the last one counts: ${options.join()} on 0x${before.toString(16)}`, () => {
      expect(apply(parseMountOptions(options), before)).to.equal(after);
      const { recursiveSet: set, recursiveClear: clear } = parseMountOptions(options.map((option) => `r${option}`));
      expect(options.includes("defaults") ? after : apply({ set, clear }, before)).to.equal(after);
    });
  }

  it("keeps the mount and the tree apart", () => {
    const parsed = parseMountOptions(["ro", "rrw", "rnosuid", "suid"]);
    expect(parsed).to.deep.equal({
      ...NOTHING,
      set: RDONLY,
      clear: NOSUID,
      recursiveSet: NOSUID,
      recursiveClear: RDONLY,
    });
  });

  for (const [name, options, bind] of [
    ["rbind outlives bind", ["rbind", "bind"], "tree"],
    ["bind does not hold rbind back", ["bind", "rbind"], "tree"],
    ["bind twice", ["bind", "bind"], "one"],
  ] as const) {
    it(name, () => expect(parseMountOptions(options).bind).to.equal(bind));
  }
  it("ridmap outlives idmap", () => expect(parseMountOptions(["ridmap", "idmap"]).idmap).to.equal("tree"));

  it("keeps the order of propagations", () => {
    const { propagation } = parseMountOptions(["rslave", "shared"]);
    expect(propagation).to.deep.equal([PROPAGATION.MS_SLAVE | MS_REC, PROPAGATION.MS_SHARED]);
  });

  it("gives the filesystem, in order and with their places, what is no option of mount(8)", () => {
    const { filesystem } = parseMountOptions(["size=64k", "ro", "newinstance", "x=a=b", "empty=", "=", "RO", "rsync"]);
    expect(filesystem).to.deep.equal([
      { key: "size", value: "64k", index: 0 },
      { key: "newinstance", value: undefined, index: 2 },
      { key: "x", value: "a=b", index: 3 },
      { key: "empty", value: "", index: 4 },
      { key: "", value: "", index: 5 },
      { key: "RO", value: undefined, index: 6 },
      { key: "rsync", value: undefined, index: 7 },
    ]);
  });
});

describe("mountOptionNames()", () => {
  it("has all of these tests' tables, and no other", () => {
    const attributes = ATTRIBUTES.flatMap(([name]) => [name, `r${name}`]);
    expect(mountOptionNames()).to.deep.equal([...attributes, ...Object.keys(OTHERS)].sort());
  });
});
