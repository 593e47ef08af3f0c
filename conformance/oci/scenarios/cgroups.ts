import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { mustWork, type Scenario, type Stage } from "../stage.ts";

const ROOT = "/sys/fs/cgroup";
const MIB = 2 ** 20;
const EPERM = 1;

/** True on a machine with cgroup v2 alone. */
function isUnified(): boolean {
  return existsSync(`${ROOT}/cgroup.controllers`);
}

/** A file of the container's cgroup: CONTROLLER/FILE with v1, or FILE with v2; undefined where there is none. */
function readCgroup(stage: Stage, v1: string, v2: string | undefined): string | undefined {
  const { cgroupsPath = "" } = stage.config.linux;
  const [controller = "", file = ""] = v1.split("/");
  const path = isUnified() ? join(ROOT, cgroupsPath, v2 ?? "missing") : join(ROOT, controller, cgroupsPath, file);
  return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
}

/** The value of a limit, as a file of v1 and one of v2 show it. */
interface Expected {
  readonly id: string;
  readonly v1: readonly [string, string];
  readonly v2?: readonly [string, string];
}

/** Creates a container with the resources and looks at the files. */
async function checkFiles(stage: Stage, resources: object, expected: readonly Expected[]): Promise<void> {
  stage.config.linux.resources = resources;
  mustWork("create", await stage.create());
  for (const { id, v1, v2 } of expected) {
    const shown = readCgroup(stage, v1[0], v2?.[0]);
    const wanted = isUnified() ? v2?.[1] : v1[1];
    if (shown === undefined || wanted === undefined)
      stage.skip(id, `there is no ${isUnified() ? (v2?.[0] ?? `${v1[0]} with cgroup v2`) : v1[0]}`);
    else stage.expect(id, shown.split("\n").includes(wanted), `${shown} in place of ${wanted}`);
  }
  await stage.clear();
}

async function placeCgroup(stage: Stage): Promise<void> {
  const show = async (): Promise<string> => {
    mustWork("create", await stage.create());
    const text = readFileSync(`/proc/${await stage.pid()}/cgroup`, "utf8");
    await stage.clear();
    return text;
  };
  const path = stage.config.linux.cgroupsPath ?? "";
  const first = await show();
  const places = first
    .trim()
    .split("\n")
    .filter((line) => line.endsWith(`:${path}`));
  stage.expect("CG-03", places.length > 0, first);
  const second = await show();
  stage.expect("CG-04", first === second, `first ${first}, then ${second}`);
  stage.config.linux.cgroupsPath = path.slice(1);
  const relative = await show();
  stage.expect("CG-02", relative.includes(stage.id), relative);
  stage.expect("CG-04", relative === (await show()), relative);
}

async function ownV1(stage: Stage): Promise<void> {
  if (isUnified()) {
    stage.skip("CG-06", "this machine has cgroup v2 alone");
    return;
  }
  stage.config.process.user = { uid: 1000, gid: 1000 };
  stage.config.linux.namespaces.push({ type: "cgroup" });
  stage.config.mounts.push({ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid"] });
  mustWork("create", await stage.create());
  const owners = ["memory", "pids", "devices"].map((name) => statSync(join(ROOT, name, pathOf(stage))).uid);
  stage.expect(
    "CG-06",
    owners.every((uid) => uid === 0),
    `owners ${owners.join()}`,
  );
}

function pathOf(stage: Stage): string {
  return stage.config.linux.cgroupsPath ?? "";
}

const OWNERSHIP = ["CG-07", "CG-08", "CG-09", "CG-10", "CG-11", "CG-12", "CG-14"];
const CONTAINER_USER = 1000;

async function ownV2(stage: Stage): Promise<void> {
  if (!isUnified()) {
    for (const id of OWNERSHIP) stage.skip(id, "needs a machine with cgroup v2 alone");
    return;
  }
  stage.config.process.user = { uid: CONTAINER_USER, gid: CONTAINER_USER };
  const base = stage.config.mounts;
  const mount = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" };
  const namespaces = stage.config.linux.namespaces;
  const folder = join(ROOT, pathOf(stage));
  const owner = async (options: string[] | undefined, isNew: boolean): Promise<number> => {
    stage.config.mounts = options === undefined ? base : [...base, { ...mount, options }];
    stage.config.linux.namespaces = isNew ? [...namespaces, { type: "cgroup" }] : namespaces;
    mustWork("create", await stage.create());
    const { uid } = statSync(folder);
    if (uid === CONTAINER_USER) checkDelegate(stage, folder);
    await stage.clear();
    return uid;
  };
  const writable = await owner(["nosuid"], true);
  stage.expect("CG-11", true, "create would have failed");
  stage.expect("CG-08", writable === CONTAINER_USER, `mounted rw: the owner is ${writable}`);
  const readonly = await owner(["ro"], true);
  stage.expect("CG-08", readonly === 0, `mounted ro: the owner is ${readonly}`);
  const without = await owner(undefined, true);
  stage.expect("CG-09", without === 0, `not mounted: the owner is ${without}`);
  const old = await owner(["nosuid"], false);
  stage.expect("CG-07", old === 0, `no new namespace: the owner is ${old}`);
}

function checkDelegate(stage: Stage, folder: string): void {
  const listed = readFileSync("/sys/kernel/cgroup/delegate", "utf8").trim().split("\n");
  for (const file of new Bun.Glob("*").scanSync({ cwd: folder })) {
    const { uid } = statSync(join(folder, file));
    if (listed.includes(file)) stage.expect("CG-12", uid === CONTAINER_USER, `${file} belongs to ${uid}`);
    else for (const id of ["CG-10", "CG-14"]) stage.expect(id, uid === 0, `${file} belongs to ${uid}`);
  }
}

/** /dev/fuse, which no runtime allows by itself: whether there is a driver does not matter, only EPERM does. */
async function orderDevices(stage: Stage): Promise<void> {
  const capabilities = ["CAP_MKNOD"];
  stage.config.process.capabilities = { bounding: capabilities, permitted: capabilities, effective: capabilities };
  const fuse = { type: "c", major: 10, minor: 229 };
  const all = { allow: false, access: "rwm" };
  const actions = ["mknod:c:10:229:/node", "open:/node", "look:/node"];
  const show = async (...devices: object[]): Promise<string> => {
    stage.config.linux.resources = { devices };
    Bun.spawnSync(["rm", "-f", join(stage.rootfs, "node")]);
    const report = await stage.play(...actions);
    return actions.map((action) => (report.of(action).errno === EPERM ? "refused" : "allowed")).join();
  };
  const none = await show(all);
  stage.expect("CG-16", none.endsWith("refused,refused"), `nothing is allowed: mknod, write, read are ${none}`);
  const every = await show(all, { allow: true, access: "rwm", ...fuse });
  stage.expect("CG-15", every === "allowed,allowed,allowed", `allowed after all is denied: ${every}`);
  const readable = await show(all, { allow: true, access: "rwm", ...fuse }, { allow: false, access: "w", ...fuse });
  stage.expect("CG-15", readable === "allowed,refused,allowed", `w is denied after it was allowed: ${readable}`);
  stage.expect("CG-16", readable === "allowed,refused,allowed", `w is denied: ${readable}`);
}

async function limitMemory(stage: Stage): Promise<void> {
  const memory = { limit: 64 * MIB, reservation: 32 * MIB };
  await checkFiles(stage, { memory }, [
    {
      id: "CG-17",
      v1: ["memory/memory.limit_in_bytes", String(64 * MIB)],
      v2: ["memory.max", String(64 * MIB)],
    },
    {
      id: "CG-18",
      v1: ["memory/memory.soft_limit_in_bytes", String(32 * MIB)],
      v2: ["memory.low", String(32 * MIB)],
    },
  ]);
  await checkFiles(stage, { memory: { limit: -1 } }, [
    { id: "CG-19", v1: ["memory/memory.limit_in_bytes", "9223372036854771712"], v2: ["memory.max", "max"] },
  ]);
  const path = join(ROOT, "memory/memory.swappiness");
  if (!existsSync(path)) stage.skip("CG-20", "the kernel has no memory.swappiness");
  else {
    await checkFiles(stage, { memory: { swappiness: 7 } }, [{ id: "CG-20", v1: ["memory/memory.swappiness", "7"] }]);
  }
}

async function limitCpu(stage: Stage): Promise<void> {
  const cpu = { shares: 512, quota: 50_000, period: 100_000, cpus: "0", mems: "0" };
  await checkFiles(stage, { cpu }, [
    { id: "CG-22", v1: ["cpu/cpu.shares", "512"] },
    { id: "CG-23", v1: ["cpu/cpu.cfs_quota_us", "50000"], v2: ["cpu.max", "50000 100000"] },
    { id: "CG-23", v1: ["cpu/cpu.cfs_period_us", "100000"], v2: ["cpu.max", "50000 100000"] },
    { id: "CG-26", v1: ["cpuset/cpuset.cpus", "0"], v2: ["cpuset.cpus", "0"] },
    { id: "CG-27", v1: ["cpuset/cpuset.mems", "0"], v2: ["cpuset.mems", "0"] },
  ]);
}

async function throttle(stage: Stage): Promise<void> {
  const disk = [...new Bun.Glob("[vsx]d*/dev").scanSync({ cwd: "/sys/block", followSymlinks: true })][0];
  if (disk === undefined) {
    stage.skip("CG-29", "there is no disk");
    return;
  }
  const numbers = readFileSync(join("/sys/block", disk), "utf8").trim();
  const [major, minor] = numbers.split(":").map(Number);
  const entry = { major, minor, rate: 1_048_576 };
  await checkFiles(stage, { blockIO: { throttleReadBpsDevice: [entry] } }, [
    {
      id: "CG-29",
      v1: ["blkio/blkio.throttle.read_bps_device", `${numbers} 1048576`],
      v2: ["io.max", `${numbers} rbps=1048576 wbps=max riops=max wiops=max`],
    },
  ]);
}

async function tagPackets(stage: Stage): Promise<void> {
  if (!existsSync(join(ROOT, "net_cls/cgroup.procs")) || !existsSync(join(ROOT, "net_prio/cgroup.procs"))) {
    for (const id of ["CG-30", "CG-31"]) stage.skip(id, "the controllers net_cls and net_prio are not mounted");
    return;
  }
  await checkFiles(stage, { network: { classID: 1_048_577, priorities: [{ name: "lo", priority: 7 }] } }, [
    { id: "CG-30", v1: ["net_cls/net_cls.classid", "1048577"] },
    { id: "CG-31", v1: ["net_prio/net_prio.ifpriomap", "lo 7"] },
  ]);
}

async function limitTasks(stage: Stage): Promise<void> {
  stage.config.linux.resources = { pids: { limit: 5 } };
  const { count, errno } = (await stage.play("forks:20")).of("forks:20");
  stage.expect("CG-32", count === 4 && errno !== 0, `a limit of 5: ${count} children, errno ${errno}`);
}

async function writeUnified(stage: Stage): Promise<void> {
  if (!isUnified()) {
    for (const id of ["CG-34", "CG-35", "CG-36"]) stage.skip(id, "needs a machine with cgroup v2 alone");
    return;
  }
  stage.config.linux.resources = { unified: { "memory.high": String(64 * MIB), "cgroup.max.depth": "7" } };
  mustWork("create", await stage.create());
  const memory = readCgroup(stage, "/", "memory.high");
  stage.expect("CG-34", memory === String(64 * MIB), `memory.high is ${memory}`);
  const depth = readCgroup(stage, "/", "cgroup.max.depth");
  stage.expect("CG-35", depth === "7", `cgroup.max.depth is ${depth}`);
  await stage.clear();
  await stage.expectRefused("CG-36", "a file of a controller that is not there", (config) => {
    config.linux.resources = { unified: { "nosuch.max": "1" } };
  });
}

/** config-linux.md § Control groups */
export const cgroupScenarios: readonly Scenario[] = [
  { name: "cgroups/path", play: placeCgroup },
  { name: "cgroups/ownership-v1", play: ownV1 },
  { name: "cgroups/ownership-v2", play: ownV2 },
  { name: "cgroups/devices", play: orderDevices },
  { name: "cgroups/memory", short: true, play: limitMemory },
  { name: "cgroups/cpu", play: limitCpu },
  { name: "cgroups/block-io", play: throttle },
  { name: "cgroups/network", play: tagPackets },
  { name: "cgroups/pids", short: true, play: limitTasks },
  { name: "cgroups/unified", play: writeUnified },
];
