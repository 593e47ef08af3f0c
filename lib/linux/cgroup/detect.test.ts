import { expect } from "chai";
import { describe, it } from "mocha";
import { FakeKernel, type FakeWorld } from "../../testing/fake-kernel.ts";
import { FILESYSTEM_MAGIC } from "../constants/files.ts";
import { detectCgroups, type MountedHierarchy, parseProcCgroup } from "./detect.ts";

const { CGROUP2_SUPER_MAGIC, TMPFS_MAGIC } = FILESYSTEM_MAGIC;
const ROOT = "/sys/fs/cgroup";

describe("parseProcCgroup()", () => {
  for (const [name, text, entries] of [
    ["nothing", "", []],
    ["the v2 line", "0::/\n", [{ controllers: [], path: "/" }]],
    ["a v1 line", "4:memory:/a/b\n", [{ controllers: ["memory"], path: "/a/b" }]],
    ["two controllers", "2:cpu,cpuacct:/\n", [{ controllers: ["cpu", "cpuacct"], path: "/" }]],
    ["a named hierarchy", "1:name=systemd:/x\n", [{ controllers: ["name=systemd"], path: "/x" }]],
    ["a path with colons", "0::/a:b::c\n", [{ controllers: [], path: "/a:b::c" }]],
    ["no newline at the end", "0::/a b", [{ controllers: [], path: "/a b" }]],
  ] as const) {
    it(name, () => expect(parseProcCgroup(text)).to.deep.equal(entries));
  }
});

/** One host: what the kernel shows, and where that puts this process. */
interface Case {
  readonly name: string;
  readonly world: FakeWorld;
  readonly mode: "v1" | "v2";
  /** Controllers and own directory of each v1 hierarchy. */
  readonly hierarchies?: readonly (readonly [controllers: string, ownDirectory: string])[];
  /** Own directory in the v2 hierarchy. */
  readonly unified?: string;
}

const V1_NAMES = ["cpu,cpuacct", "cpuset", "memory", "systemd"];
const MOUNTINFO =
  "31 25 0:27 /docker/abc /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n" +
  "32 25 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
  "33 25 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";

const CASES: readonly Case[] = [
  {
    name: "v2, in the root",
    world: {
      files: { "/proc/self/cgroup": "0::/\n", [`${ROOT}/cgroup.controllers`]: "cpuset cpu io memory\n" },
      filesystems: { [ROOT]: CGROUP2_SUPER_MAGIC },
    },
    mode: "v2",
    unified: ROOT,
  },
  {
    name: "v2, below it",
    world: {
      files: { "/proc/self/cgroup": "0::/user.slice/x\n", [`${ROOT}/cgroup.controllers`]: "cpuset cpu io memory\n" },
      directories: { [`${ROOT}/user.slice/x`]: [] },
      filesystems: { [ROOT]: CGROUP2_SUPER_MAGIC },
    },
    mode: "v2",
    unified: `${ROOT}/user.slice/x`,
  },
  {
    name: "v2, in a container that sees a part of it, at its root",
    world: {
      files: {
        "/proc/self/cgroup": "0::/docker/abc\n",
        "/proc/self/mountinfo": MOUNTINFO,
        [`${ROOT}/cgroup.controllers`]: "cpuset cpu io memory\n",
      },
      filesystems: { [ROOT]: CGROUP2_SUPER_MAGIC },
    },
    mode: "v2",
    unified: ROOT,
  },
  {
    name: "v2, in a container that sees a part of it, below its root",
    world: {
      files: {
        "/proc/self/cgroup": "0::/docker/abc/init\n",
        "/proc/self/mountinfo": MOUNTINFO,
        [`${ROOT}/cgroup.controllers`]: "cpuset cpu io memory\n",
      },
      filesystems: { [ROOT]: CGROUP2_SUPER_MAGIC },
    },
    mode: "v2",
    unified: `${ROOT}/init`,
  },
  {
    name: "v1",
    world: {
      files: { "/proc/self/cgroup": "5:memory:/a\n3:cpuset:/\n2:cpu,cpuacct:/a\n1:name=systemd:/s\n" },
      directories: { [ROOT]: V1_NAMES, ...ownDirectories(["memory/a", "cpu,cpuacct/a", "systemd/s"]) },
      filesystems: { [ROOT]: TMPFS_MAGIC },
    },
    mode: "v1",
    hierarchies: [
      ["name=systemd", `${ROOT}/systemd/s`],
      ["cpu,cpuacct", `${ROOT}/cpu,cpuacct/a`],
      ["cpuset", `${ROOT}/cpuset`],
      ["memory", `${ROOT}/memory/a`],
    ],
  },
  {
    name: "v1, with a hierarchy that is not mounted",
    world: {
      files: { "/proc/self/cgroup": "5:memory:/\n4:pids:/\n0::/\n" },
      directories: { [ROOT]: ["memory"] },
      filesystems: { [ROOT]: TMPFS_MAGIC },
    },
    mode: "v1",
    hierarchies: [["memory", `${ROOT}/memory`]],
  },
  {
    name: "hybrid",
    world: {
      files: { "/proc/self/cgroup": "5:memory:/a\n0::/b\n" },
      directories: { [ROOT]: ["memory", "unified"], ...ownDirectories(["memory/a", "unified/b"]) },
      filesystems: { [ROOT]: TMPFS_MAGIC, [`${ROOT}/unified`]: CGROUP2_SUPER_MAGIC },
    },
    mode: "v1",
    hierarchies: [["memory", `${ROOT}/memory/a`]],
    unified: `${ROOT}/unified/b`,
  },
  {
    name: "v1, with a directory that is called unified",
    world: {
      files: { "/proc/self/cgroup": "5:memory:/\n0::/\n" },
      directories: { [ROOT]: ["memory", "unified"] },
      filesystems: { [ROOT]: TMPFS_MAGIC, [`${ROOT}/unified`]: TMPFS_MAGIC },
    },
    mode: "v1",
    hierarchies: [["memory", `${ROOT}/memory`]],
  },
  {
    name: "v1, in a container that sees a part of it: the last mount counts",
    world: {
      files: { "/proc/self/cgroup": "5:memory:/docker/abc/x\n", "/proc/self/mountinfo": MOUNTINFO },
      directories: { [ROOT]: ["memory"] },
      filesystems: { [ROOT]: TMPFS_MAGIC },
    },
    mode: "v1",
    hierarchies: [["memory", `${ROOT}/memory/x`]],
  },
];

function ownDirectories(paths: readonly string[]): Record<string, readonly string[]> {
  return Object.fromEntries(paths.map((path) => [`${ROOT}/${path}`, []]));
}

function summary(hierarchies: readonly MountedHierarchy[]): readonly (readonly [string, string])[] {
  return hierarchies.map(({ controllers, ownDirectory }) => [controllers.join(), ownDirectory]);
}

describe("detectCgroups()", () => {
  for (const { name, world, mode, hierarchies = [], unified } of CASES) {
    it(name, () => {
      const kernel = new FakeKernel(world);
      const found = detectCgroups(kernel);
      expect(found.mode).to.equal(mode);
      expect(found.unified?.ownDirectory).to.equal(unified);
      // In whichever order: that is a matter of what runc shows.
      const v1 = found.mode === "v1" ? summary(found.hierarchies) : [];
      expect(v1).to.have.deep.members([...hierarchies]);
      expect(kernel.openFds).to.equal(0);
    });
  }

  it("v2: lists the controllers", () => {
    const [first] = CASES;
    const found = detectCgroups(new FakeKernel(first?.world));
    expect(found.unified?.controllers).to.deep.equal(["cpuset", "cpu", "io", "memory"]);
  });

  it("v2: lists none when there are none", () => {
    const kernel = new FakeKernel({
      files: { "/proc/self/cgroup": "0::/\n", [`${ROOT}/cgroup.controllers`]: "\n" },
      filesystems: { [ROOT]: CGROUP2_SUPER_MAGIC },
    });
    expect(detectCgroups(kernel).unified?.controllers).to.deep.equal([]);
  });

  it("reads no mount table when its own directory is there", () => {
    const kernel = new FakeKernel(CASES[1]?.world);
    detectCgroups(kernel);
    expect(kernel.calls.filter(({ args }) => args.includes("/proc/self/mountinfo"))).to.deep.equal([]);
  });

  it("throws when there is no cgroup file system", () => {
    const kernel = new FakeKernel({ files: { "/proc/self/cgroup": "" } });
    expect(() => detectCgroups(kernel)).to.throw(`cannot look at ${ROOT}: no such file or directory (ENOENT)`);
  });
});
