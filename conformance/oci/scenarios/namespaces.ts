import { chmodSync, chownSync, mkdirSync, readlinkSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { Namespace } from "../../harness/config.ts";
import { chownTree } from "../../harness/rootfs.ts";
import type { Scenario, Stage } from "../stage.ts";
import { holdNamespace } from "./hold.ts";

/** The type in config.json and the name in /proc/PID/ns. */
const KINDS = [
  { type: "pid", kind: "pid", id: "CL-05" },
  { type: "network", kind: "net", id: "CL-06" },
  { type: "mount", kind: "mnt", id: "CL-07" },
  { type: "ipc", kind: "ipc", id: "CL-08" },
  { type: "uts", kind: "uts", id: "CL-09" },
  { type: "cgroup", kind: "cgroup", id: "CL-11" },
] as const;

function hostNamespace(kind: string): string {
  return readlinkSync(`/proc/self/ns/${kind}`);
}

async function makeNew(stage: Stage): Promise<void> {
  stage.config.linux.namespaces = KINDS.map(({ type }) => ({ type }));
  const { self } = await stage.play("self");
  for (const { kind, id } of KINDS) {
    const shown = self.namespaces[kind];
    const isNew = shown !== undefined && shown !== hostNamespace(kind);
    stage.expect(id, isNew, `${kind} is ${shown}, the host's is ${hostNamespace(kind)}`);
    stage.expect("CL-16", isNew, `${kind} is ${shown}, the host's is ${hostNamespace(kind)}`);
  }
  stage.expect("CL-05", self.pid === 1, `the process has the pid ${self.pid}`);
}

/** Only what a config can do without: a host's pid, network, ipc, uts and cgroup namespace. */
async function inherit(stage: Stage): Promise<void> {
  stage.config.linux.namespaces = [{ type: "mount" }];
  Reflect.deleteProperty(stage.config, "hostname");
  // sysfs and mqueue of namespaces that are the host's are no business of this scenario.
  stage.config.mounts = stage.config.mounts.filter(({ destination }) => destination === "/proc");
  stage.config.linux.maskedPaths = [];
  stage.config.linux.readonlyPaths = [];
  const { self } = await stage.play("self");
  for (const kind of ["pid", "net", "ipc", "uts", "cgroup", "user", "time"]) {
    const shown = self.namespaces[kind];
    const host = hostNamespace(kind);
    stage.expect("CL-17", shown === host, `${kind} is ${shown}, the host's is ${host}`);
  }
}

async function joinAll(stage: Stage): Promise<void> {
  for (const { type, kind } of KINDS.filter((each) => ["network", "ipc", "uts", "cgroup"].includes(each.type))) {
    const pid = await holdNamespace(stage, kind);
    const path = `/proc/${pid}/ns/${kind}`;
    const others = stage.config.linux.namespaces.filter((each) => each.type !== type);
    stage.config.linux.namespaces = [...others, { type, path }];
  }
  Reflect.deleteProperty(stage.config, "hostname");
  const { self } = await stage.play("self");
  for (const { type, path } of stage.config.linux.namespaces) {
    if (path === undefined) continue;
    const kind = path.slice(path.lastIndexOf("/") + 1);
    const shown = self.namespaces[kind];
    stage.expect("CL-14", shown === readlinkSync(path), `${type} is ${shown}, ${path} is ${readlinkSync(path)}`);
  }
}

async function giveInvalid(stage: Stage): Promise<void> {
  const replace = (...entries: Namespace[]): Namespace[] => [
    ...stage.config.linux.namespaces.filter(({ type }) => entries.every((entry) => entry.type !== type)),
    ...entries,
  ];
  const pid = await holdNamespace(stage, "net");
  const cases: readonly (readonly [string, string, Namespace[]])[] = [
    ["CL-13", "a relative path of a namespace", [{ type: "network", path: `../../proc/${pid}/ns/net` }]],
    ["CL-15", "a namespace of another type", [{ type: "ipc", path: `/proc/${pid}/ns/net` }]],
    ["CL-15", "a file that is no namespace", [{ type: "network", path: `/proc/${pid}/status` }]],
    ["CL-18", "two namespaces of a type", [{ type: "network" }, { type: "network" }]],
    ["CL-18", "a new one and one to join", [{ type: "network" }, { type: "network", path: `/proc/${pid}/ns/net` }]],
  ];
  for (const [id, what, entries] of cases) {
    await stage.expectRefused(id, what, (config) => {
      config.linux.namespaces = replace(...entries);
    });
  }
}

const HOST_ID = 100_000;
const HOST_DEVICE = "/dev/null";

/** A runtime that gives its standard streams to the container's user gives away the host's own device with them. */
function keepHostDevice(stage: Stage): void {
  // Not what is found here: another run of this may have just changed it.
  stage.defer(() => {
    chownSync(HOST_DEVICE, 0, 0);
    chmodSync(HOST_DEVICE, 0o666);
  });
}

async function mapUsers(stage: Stage): Promise<void> {
  keepHostDevice(stage);
  mkdirSync(join(stage.rootfs, "others"));
  // The program is a link to what other containers run, which is to stay as it is.
  unlinkSync(join(stage.rootfs, "probe"));
  Bun.spawnSync(["cp", stage.helpers.probe, join(stage.rootfs, "probe")]);
  chownTree(stage.rootfs, HOST_ID);
  chownSync(stage.rootfs, HOST_ID, HOST_ID);
  chownSync(join(stage.rootfs, "others"), HOST_ID + 5, HOST_ID + 6);
  stage.config.linux.namespaces.push({ type: "user" });
  stage.config.linux.uidMappings = [{ containerID: 0, hostID: HOST_ID, size: 1000 }];
  stage.config.linux.gidMappings = [{ containerID: 0, hostID: HOST_ID, size: 2000 }];
  const maps = ["/proc/self/uid_map", "/proc/self/gid_map"] as const;
  const report = await stage.play("self", ...maps.map((path) => `read:${path}`), "stat:/others");
  const shown = report.self.namespaces["user"];
  stage.expect("CL-10", shown !== undefined && shown !== hostNamespace("user"), `user is ${shown}`);
  const [uids, gids] = maps.map((path) => report.text(path).trim().split(/\s+/).join(" "));
  stage.expect("CL-19", uids === `0 ${HOST_ID} 1000`, `uid_map is ${uids}`);
  stage.expect("CL-20", gids === `0 ${HOST_ID} 2000`, `gid_map is ${gids}`);
  const inside = report.of("stat:/others");
  stage.expect("CL-19", inside.uid === 5, `a file of ${HOST_ID + 5} is ${inside.uid}'s inside`);
  stage.expect("CL-20", inside.gid === 6, `a file of ${HOST_ID + 6} is ${inside.gid}'s inside`);
  const { uid, gid } = statSync(join(stage.rootfs, "others"));
  stage.expect("CL-21", uid === HOST_ID + 5 && gid === HOST_ID + 6, `the file has come to ${uid}:${gid}`);
}

async function shiftTime(stage: Stage): Promise<void> {
  stage.config.linux.namespaces.push({ type: "time" });
  Object.assign(stage.config.linux, {
    timeOffsets: { monotonic: { secs: 1000, nanosecs: 5 }, boottime: { secs: 100_000 } },
  });
  const path = "/proc/self/timens_offsets";
  const report = await stage.play("self", `read:${path}`);
  const shown = report.self.namespaces["time"];
  stage.expect("CL-12", shown !== undefined && shown !== hostNamespace("time"), `time is ${shown}`);
  const lines = report
    .text(path)
    .split("\n")
    .map((line) => line.split(/\s+/).filter(Boolean).join(" "));
  const isSet = lines.includes("monotonic 1000 5") && lines.includes("boottime 100000 0");
  stage.expect("CL-22", isSet, lines.join("; "));
}

const DEVICE_SETUP = "ip link add ocidev0 type veth peer name ocidev1 && ip addr add 192.0.2.9/24 dev ocidev0";

/** The runtime runs in a network namespace of the scenario's own, whose devices may go. */
async function moveDevices(stage: Stage): Promise<void> {
  const pid = await holdNamespace(stage, "net", DEVICE_SETUP);
  const target = await holdNamespace(stage, "net");
  stage.around = ["nsenter", `--net=/proc/${pid}/ns/net`];
  stage.config.linux.namespaces = [
    ...stage.config.linux.namespaces.filter(({ type }) => type !== "network"),
    { type: "network", path: `/proc/${target}/ns/net` },
  ];
  Object.assign(stage.config.linux, { netDevices: { ocidev0: { name: "eth0" }, ocidev1: {} } });
  await stage.play("self");
  const { stdout } = Bun.spawnSync(["nsenter", `--net=/proc/${target}/ns/net`, "ip", "-o", "addr"]);
  const links = Bun.spawnSync(["nsenter", `--net=/proc/${target}/ns/net`, "ip", "-o", "link"])
    .stdout.toString()
    .trim();
  stage.expect("CL-23", / eth0[@:]/.test(links) && / ocidev1[@:]/.test(links), `it has ${links}`);
  stage.expect("CL-24", / eth0[@:]/.test(links) && !/ ocidev0[@:]/.test(links), `it has ${links}`);
  stage.expect("CL-25", /eth0 .*192\.0\.2\.9\/24/.test(stdout.toString()), `it has ${stdout.toString()}`);
  const up = links.split("\n").filter((line) => / (eth0|ocidev1)[@:]/.test(line) && /[<,]UP[,>]/.test(line));
  stage.expect("CL-26", up.length === 2, `it has ${links}`);
}

async function moveWrongly(stage: Stage): Promise<void> {
  const pid = await holdNamespace(stage, "net", DEVICE_SETUP);
  stage.around = ["nsenter", `--net=/proc/${pid}/ns/net`];
  const cases = [
    ["a network device that is not there", { ocimissing: {} }],
    ["two network devices of a name", { ocidev0: { name: "eth0" }, ocidev1: { name: "eth0" } }],
    ["a network device with the name of another", { ocidev0: { name: "lo" } }],
  ] as const;
  for (const [what, netDevices] of cases) {
    await stage.expectRefused("CL-27", what, (config) => {
      Object.assign(config.linux, { netDevices });
    });
  }
}

/** config-linux.md § Namespaces, § User namespace mappings, § Offset for Time Namespace, § Network Devices */
export const namespaceScenarios: readonly Scenario[] = [
  { name: "namespaces/new", short: true, play: makeNew },
  { name: "namespaces/inherited", play: inherit },
  { name: "namespaces/joined", play: joinAll },
  { name: "namespaces/invalid", play: giveInvalid },
  { name: "namespaces/user", short: true, play: mapUsers },
  { name: "namespaces/time", play: shiftTime },
  { name: "network/devices", play: moveDevices },
  { name: "network/devices-invalid", play: moveWrongly },
];
