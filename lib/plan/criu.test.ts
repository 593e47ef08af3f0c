import { expect } from "chai";
import { HYBRID as HOST, REQUEST } from "../testing/plan-host.ts";
import { compileCriu, compileRestore } from "./criu.ts";
import type { Step } from "./step.ts";

const CRIU = { path: "/usr/sbin/criu", env: ["PATH=/usr/sbin"], inherited: 1, ignoredSignals: [13] };
const PLACE = { ...CRIU, root: "/run/tsrun/web/criu-root", directories: ["/images"] };

const CONFIG = {
  ociVersion: "1.3.0",
  root: { path: "rootfs" },
  mounts: [
    { destination: "/dev", type: "tmpfs", source: "tmpfs" },
    { destination: "/dev/shm", type: "tmpfs", source: "shm" },
    { destination: "/data", source: "/srv", options: ["rbind"] },
    { destination: "/data/deep", source: "/etc/hosts", options: ["bind"] },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" },
  ],
  linux: { namespaces: [{ type: "mount" as const }, { type: "pid" as const }] },
};

function calls(steps: readonly Step[], ...names: readonly string[]): readonly string[] {
  return steps
    .filter(({ call }) => names.includes(call))
    .map(({ call, args }) => `${call} ${args.filter((arg) => typeof arg === "string" && arg !== "").join(" ")}`.trim());
}

describe("compileCriu()", () => {
  it("ends as criu, on its socket, with no stream but the null device", () => {
    const steps = compileCriu(CRIU);
    const last = steps.at(-1);
    expect(last?.call).to.equal("execve");
    expect(last?.args[1]).to.deep.equal({ kind: "strings", values: ["/usr/sbin/criu", "swrk", "3"] });
    expect(last?.args[2]).to.deep.equal({ kind: "strings", values: ["PATH=/usr/sbin"] });
    expect(steps.filter(({ call, args }) => call === "dup3" && Number(args[1]) < 3)).to.have.lengthOf(3);
    // Its socket and what it inherits stay open.
    expect(steps.filter(({ call }) => call === "fcntl").map(({ args }) => args[0])).to.deep.equal([3, 4]);
  });

  it("lets criu outlive the runtime", () => {
    const deaths = compileCriu(CRIU).filter(({ purpose }) => purpose.doing === "let criu end by itself");
    expect(deaths.map(({ args }) => args[1])).to.deep.equal([0]);
  });
});

describe("compileRestore()", () => {
  const steps = compileRestore(CONFIG, HOST, REQUEST, PLACE);

  it("keeps the caller's streams", () => {
    expect(steps.filter(({ call, args }) => call === "dup3" && Number(args[1]) < 3)).to.deep.equal([]);
  });

  it("waits for the unit of its container before it makes cgroups", () => {
    const scope = { slice: "a.slice", name: "b.scope", path: "/a.slice/b.scope" };
    const inScope = compileRestore(CONFIG, { ...HOST, scope }, REQUEST, PLACE).map(({ call }) => call);
    expect(inScope.indexOf("read")).to.be.greaterThan(0).and.to.be.lessThan(inScope.indexOf("mkdirat"));
    expect(steps.map(({ call }) => call)).not.to.include("read");
  });

  it("makes the mount points that are not in a filesystem of the container, and none of cgroups", () => {
    expect(calls(steps, "openInRoot")).to.deep.equal(["openInRoot /dev", "openInRoot /data", "openInRoot /data/deep"]);
  });

  it("mounts in a namespace of its own, and leaves criu the rootfs alone", () => {
    const order = calls(steps, "unshare", "umount2", "move_mount", "execve");
    expect(order).to.deep.equal([
      "unshare",
      "move_mount /run/tsrun/web/criu-root",
      "move_mount",
      "move_mount",
      "umount2 /run/tsrun/web/criu-root",
      "move_mount /run/tsrun/web/criu-root",
      "execve /usr/sbin/criu",
    ]);
  });

  it("sends the directories when it has made the namespace", () => {
    const unshare = steps.findIndex(({ call }) => call === "unshare");
    const open = steps.findIndex(({ call, args }) => call === "openat" && args[1] === "/images");
    expect(open).to.be.greaterThan(unshare);
    expect(steps.slice(open).map(({ call }) => call)).to.include("sendmsg");
  });

  it("joins the cgroups before it mounts anything", () => {
    const joined = steps.findLastIndex(({ purpose }) => purpose.doing.startsWith("join cgroup"));
    expect(joined)
      .to.be.greaterThan(0)
      .and.lessThan(steps.findIndex(({ call }) => call === "unshare"));
  });

  it("refuses what create refuses", () => {
    const config = { ...CONFIG, mounts: [{ destination: "/", source: "/srv", options: ["bind"] }] };
    expect(() => compileRestore(config, HOST, REQUEST, PLACE)).to.throw("cannot be mounted over");
  });
});
