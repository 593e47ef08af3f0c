import { expect } from "chai";
import { describe, it } from "mocha";
import { ContainerError } from "../errors.ts";
import type { Mount } from "../spec/config.ts";
import { REQUEST, SMALL_V2 } from "../testing/plan-host.ts";
import { compileMount, normalize, planMounts, refuseUnsafe } from "./mounts.ts";

function compileOne(mount: Mount) {
  const context = { host: SMALL_V2, request: REQUEST, ownCgroupNamespace: false, isOpened: false, label: undefined };
  return planMounts([mount]).flatMap((planned) => {
    refuseUnsafe(planned);
    return compileMount(planned, context);
  });
}

describe("normalize()", () => {
  for (const [path, normal] of [
    ["/", "/"],
    ["", "/"],
    [".", "/"],
    ["/..", "/"],
    ["/../../etc", "/etc"],
    ["//proc//", "/proc"],
    ["/a/./b/../c/", "/a/c"],
    ["relative/x", "/relative/x"],
    ["/a/...", "/a/..."],
    ["/a b/\n", "/a b/\n"],
  ] as const) {
    it(`${JSON.stringify(path)} is ${JSON.stringify(normal)}`, () => expect(normalize(path)).to.equal(normal));
  }
});

describe("planMounts()", () => {
  const cases: readonly { readonly mount: Mount; readonly doing: string }[] = [
    { mount: { destination: "/proc", type: "proc", source: "proc" }, doing: "mount proc on /proc" },
    { mount: { destination: "/d", type: "bind", source: "/src", options: ["rbind"] }, doing: "mount /src on /d" },
    { mount: { destination: "/x/../d", options: ["remount", "ro"] }, doing: "remount /d" },
    { mount: { destination: "/d" }, doing: "mount none on /d" },
  ];
  for (const { mount, doing } of cases) {
    it(doing, () => {
      const [planned] = planMounts([{ destination: "/other" }, mount]).slice(1);
      expect(planned?.purpose).to.deep.equal({ doing, from: "/mounts/1", path: planned?.destination });
    });
  }
});

describe("refuseUnsafe()", () => {
  const PROC_FILE = "cannot be mounted because it is inside /proc";
  const ROOT = "the root of the container cannot be mounted over";
  const cases: readonly { readonly mount: Mount; readonly why?: string }[] = [
    { mount: { destination: "/", type: "tmpfs" }, why: ROOT },
    { mount: { destination: "/a/..", type: "bind", source: "/x", options: ["bind"] }, why: ROOT },
    { mount: { destination: "/proc/1", type: "tmpfs" }, why: PROC_FILE },
    { mount: { destination: "/proc//sys", source: "/x", options: ["rbind"] }, why: PROC_FILE },
    { mount: { destination: "/x/../proc/sys/kernel", type: "tmpfs" }, why: PROC_FILE },
    { mount: { destination: "/proc/sys", options: ["remount", "rw"] }, why: PROC_FILE },
    { mount: { destination: "/proc/sys/kernel/ns_last_pid", source: "/x", options: ["bind"] } },
    { mount: { destination: "/proc/meminfo", source: "/x", options: ["bind"] } },
    { mount: { destination: "/proc/meminfo/x", source: "/x", options: ["bind"] }, why: PROC_FILE },
    { mount: { destination: "/processes", type: "tmpfs" } },
    { mount: { destination: "/proc", type: "tmpfs" }, why: "/proc can only be a mount of type proc" },
    { mount: { destination: "/proc/", type: "sysfs" }, why: "/proc can only be a mount of type proc" },
    { mount: { destination: "/proc", type: "proc" } },
    { mount: { destination: "/proc", source: "/proc", options: ["rbind"] } },
    {
      mount: { destination: "/d", source: "/x", options: ["bind", "ro", "size=1m"] },
      why: 'a bind mount takes no option of a filesystem, but "size" is one',
    },
    { mount: { destination: "/d", source: "/x", options: ["sync", "rbind", "async"] } },
    {
      mount: { destination: "/d", source: "/x", options: ["remount", "bind", "size=1m"] },
      why: 'a bind mount takes no option of a filesystem, but "size" is one',
    },
    { mount: { destination: "/d", options: ["remount", "size=1m"] } },
    { mount: { destination: "/d", source: "/x", options: ["bind", "ro", "silent", "defaults"] } },
  ];
  for (const { mount, why } of cases.filter((each) => each.why !== undefined)) {
    it(`refuses ${JSON.stringify(mount)}`, () => {
      expect(() => compileOne(mount))
        .to.throw(
          ContainerError,
          new RegExp(`^cannot (re)?mount .* \\(mounts\\[0\\]\\): .*${escapePattern(why ?? "")}$`),
        )
        .with.property("code", "invalid_argument");
    });
  }
  for (const { mount } of cases.filter((each) => each.why === undefined)) {
    it(`takes ${JSON.stringify(mount)}`, () => expect(compileOne(mount)).to.not.have.lengthOf(0));
  }
});

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

describe("compileMount(): where an option is to blame", () => {
  it("points at the option", () => {
    const steps = compileOne({ destination: "/d", type: "tmpfs", options: ["ro", "size=1m", "huge"] });
    const options = steps.filter(({ purpose }) => purpose.from.includes("options"));
    expect(options.map(({ args, purpose }) => [args[2], purpose.from])).to.deep.equal([
      ["size", "/mounts/0/options/1"],
      ["huge", "/mounts/0/options/2"],
    ]);
  });

  it("tells a filesystem that is mounted its new options, one by one", () => {
    const steps = compileOne({ destination: "/d", options: ["remount", "ro", "size=1m", "sync"] });
    expect(steps.map(({ call, args, purpose }) => [call, String(args[2] ?? ""), purpose.from])).to.deep.include.members(
      [
        ["fsconfig", "size", "/mounts/0/options/2"],
        ["fsconfig", "sync", "/mounts/0/options/3"],
      ],
    );
    expect(steps.map(({ call }) => call)).to.deep.equal([
      ...["openInRoot", "fspick", "fsconfig", "fsconfig", "fsconfig", "mount_setattr"],
    ]);
  });

  it("points at the source of a bind mount", () => {
    const [first] = compileOne({ destination: "/d", source: "data", options: ["rbind"] });
    expect(first?.purpose).to.include({ from: "/mounts/0/source", path: "/var/lib/bundle/data" });
    expect(first?.args[1]).to.equal("/var/lib/bundle/data");
  });
});
