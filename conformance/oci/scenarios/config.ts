import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../harness/config.ts";
import { mustWork, type Scenario, type Stage } from "../stage.ts";

async function giveVersions(stage: Stage): Promise<void> {
  await stage.expectRefused("CF-01", "a config without ociVersion", (config) => {
    Reflect.deleteProperty(config, "ociVersion");
  });
  for (const version of ["1", "one", ""]) {
    await stage.expectRefused("CF-02", `the ociVersion ${JSON.stringify(version)}`, (config) => {
      config.ociVersion = version;
    });
  }
}

async function missRoot(stage: Stage): Promise<void> {
  await stage.expectRefused("CF-03", "a config without root", (config) => {
    Reflect.deleteProperty(config, "root");
  });
  await stage.expectRefused("CF-04", "a root without path", (config) => {
    Reflect.deleteProperty(config.root, "path");
  });
  await stage.expectRefused("CF-07", "a root that is not there", (config) => {
    config.root.path = "missing";
  });
  writeFileSync(join(stage.bundle, "file"), "");
  await stage.expectRefused("CF-07", "a root that is a file", (config) => {
    config.root.path = "file";
  });
}

async function placeRoot(stage: Stage): Promise<void> {
  stage.config.root.path = stage.rootfs;
  await stage.play("self");
  const moved = join(stage.bundle, "other");
  renameSync(stage.rootfs, moved);
  stage.defer(() => renameSync(moved, stage.rootfs));
  stage.config.root.path = "other";
  const report = await stage.play("self");
  stage.expect("CF-05", report.self.cwd === "/", "the program did not run");
}

async function protectRoot(stage: Stage): Promise<void> {
  for (const readonly of [true, false]) {
    stage.config.root.readonly = readonly;
    const { errno } = (await stage.play("touch:/new")).of("touch:/new");
    stage.expect(
      "CF-08",
      (errno === 0) !== readonly,
      `readonly ${readonly}: making a file in it has the errno ${errno}`,
    );
  }
  Reflect.deleteProperty(stage.config.root, "readonly");
  const { errno } = (await stage.play("touch:/newer")).of("touch:/newer");
  stage.expect("CF-08", errno === 0, `readonly is not set: making a file in it has the errno ${errno}`);
}

async function nameHost(stage: Stage): Promise<void> {
  stage.config.hostname = "oci.example";
  stage.config.domainname = "example.test";
  const { self } = await stage.play("self");
  stage.expect("CF-09", self.hostname === "oci.example", `the hostname is ${self.hostname}`);
  stage.expect("CF-10", self.domainname === "example.test", `the domainname is ${self.domainname}`);
}

async function breakAnnotations(stage: Stage): Promise<void> {
  const cases: readonly (readonly [string, unknown])[] = [
    ["CF-12", ["a"]],
    ["CF-12", "a"],
    ["CF-14", { "": "a" }],
    ["CF-19", { "com.example.number": 1 }],
    ["CF-19", { "com.example.object": {} }],
  ];
  for (const [id, annotations] of cases) {
    await stage.expectRefused(id, `the annotations ${JSON.stringify(annotations)}`, (config) => {
      (config as Record<string, unknown>)["annotations"] = annotations;
    });
  }
}

async function annotateUnknown(stage: Stage): Promise<void> {
  stage.config.annotations = { "org.opencontainers.unknown.key": "x", "example.unknown": "y" };
  const outcome = await stage.create();
  stage.expect("CF-18", outcome.status === 0, `create: ${outcome.stderr.trim()}`);
}

async function addUnknown(stage: Stage): Promise<void> {
  const unknown = { unknownProperty: { deep: [1, "two", null] } };
  Object.assign(stage.config, unknown);
  Object.assign(stage.config.process, unknown);
  Object.assign(stage.config.linux, unknown);
  Object.assign(stage.config.root, unknown);
  const outcome = await stage.create();
  stage.expect("CF-22", outcome.status === 0, `create: ${outcome.stderr.trim()}`);
  mustWork("start", await stage.start());
  await stage.waitStopped();
  stage.expect("CF-21", (await stage.delete()).status === 0, "the container cannot be deleted");
}

type Edit = (config: Config) => void;

const WRONG_TYPES: readonly (readonly [string, Edit])[] = [
  ["process as a string", (config) => Object.assign(config, { process: "sh" })],
  ["args as a string", (config) => Object.assign(config.process, { args: "sh" })],
  ["env with a number", (config) => Object.assign(config.process, { env: [1] })],
  ["a uid as a string", (config) => Object.assign(config.process.user, { uid: "0" })],
  ["a negative gid", (config) => Object.assign(config.process.user, { gid: -1 })],
  ["readonly as a string", (config) => Object.assign(config.root, { readonly: "yes" })],
  ["mounts as an object", (config) => Object.assign(config, { mounts: {} })],
  ["a hostname as a number", (config) => Object.assign(config, { hostname: 1 })],
  ["namespaces as a string", (config) => Object.assign(config.linux, { namespaces: "pid" })],
  ["a memory limit as a string", (config) => Object.assign(config.linux, { resources: { memory: { limit: "1m" } } })],
];

const WRONG_NAMES: readonly (readonly [string, Edit])[] = [
  ["a namespace of no type", (config) => config.linux.namespaces.push({ type: "nosuch" })],
  ["a rootfsPropagation that is none", (config) => Object.assign(config.linux, { rootfsPropagation: "nosuch" })],
  ["a personality that is none", (config) => Object.assign(config.linux, { personality: { domain: "NOSUCH" } })],
  ["a scheduler that is none", (config) => Object.assign(config.process, { scheduler: { policy: "SCHED_NOSUCH" } })],
  [
    "an I/O class that is none",
    (config) => Object.assign(config.process, { ioPriority: { class: "IOPRIO_CLASS_NOSUCH", priority: 0 } }),
  ],
  [
    "a device of no type",
    (config) => Object.assign(config.linux, { devices: [{ type: "z", path: "/dev/z", major: 1, minor: 3 }] }),
  ],
  [
    "a filter with an action that is none",
    (config) => Object.assign(config.linux, { seccomp: { defaultAction: "SCMP_ACT_NOSUCH" } }),
  ],
  [
    "device access of no kind",
    (config) => Object.assign(config.linux, { resources: { devices: [{ allow: true, access: "z" }] } }),
  ],
];

function refuseAll(id: string, edits: readonly (readonly [string, Edit])[]): Scenario["play"] {
  return async (stage) => {
    for (const [what, edit] of edits) await stage.expectRefused(id, what, edit);
  };
}

async function orderMounts(stage: Stage): Promise<void> {
  for (const name of ["a", "b"]) {
    mkdirSync(join(stage.folder, name));
    writeFileSync(join(stage.folder, name, name), name);
  }
  const bind = (source: string, destination: string): void => {
    stage.config.mounts.push({ destination, type: "none", source: join(stage.folder, source), options: ["rbind"] });
  };
  bind("a", "/m");
  bind("b", "/m");
  stage.config.mounts.push({ destination: "/outer", type: "tmpfs", source: "tmpfs" });
  bind("a", "/outer/inner");
  const report = await stage.play("list:/m", "list:/outer/inner");
  const shown = report.of("list:/m").names?.join();
  stage.expect("MT-01", shown === "b", `two mounts at one place: ${shown} is on top`);
  const inner = report.of("list:/outer/inner").names?.join();
  stage.expect("MT-01", inner === "a", `a mount in a mount: it has ${inner}`);
}

async function mountRelative(stage: Stage): Promise<void> {
  stage.config.mounts.push({ destination: "relative/place", type: "tmpfs", source: "tmpfs" });
  const report = await stage.play("read:/proc/self/mountinfo");
  stage.expect("MT-03", report.mountAt("/relative/place") !== undefined, "it is not mounted at /relative/place");
}

async function mountSources(stage: Stage): Promise<void> {
  mkdirSync(join(stage.bundle, "data"));
  writeFileSync(join(stage.bundle, "data/file"), "x");
  const bind = (destination: string, type: string, source: string): void => {
    stage.config.mounts.push({ destination, type, source, options: ["bind"] });
  };
  bind("/absolute", "none", join(stage.bundle, "data"));
  bind("/relative", "bind", "data");
  bind("/typed", "tmpfs", join(stage.bundle, "data"));
  stage.config.mounts.push({ destination: "/memory", type: "ramfs", source: "none" });
  const report = await stage.play("list:/absolute", "list:/relative", "list:/typed", "read:/proc/self/mountinfo");
  for (const path of ["/absolute", "/relative"]) {
    const names = report.of(`list:${path}`).names?.join();
    stage.expect("MT-04", names === "file", `${path} has ${names}`);
  }
  const typed = report.of("list:/typed").names?.join();
  stage.expect("MT-05", typed === "file", `a bind mount with the type tmpfs has ${typed}`);
  const memory = report.mountAt("/memory")?.type;
  stage.expect("MT-06", memory === "ramfs", `the type is ${memory}`);
}

async function passData(stage: Stage): Promise<void> {
  const options = ["nosuid", "size=64k", "mode=0710", "uid=7"];
  stage.config.mounts.push({ destination: "/data", type: "tmpfs", source: "tmpfs", options });
  const report = await stage.play("stat:/data", "read:/proc/self/mountinfo");
  const { mode, uid } = report.of("stat:/data");
  stage.expect("MT-08", mode === 0o710 && uid === 7, `mode ${mode?.toString(8)}, uid ${uid}`);
  const data = report.mountAt("/data")?.superOptions ?? [];
  stage.expect("MT-08", data.includes("size=64k"), data.join());
}

/** config.md but for its mount options, § Process and § Hooks */
export const configScenarios: readonly Scenario[] = [
  { name: "config/version", play: giveVersions },
  { name: "config/unknown", short: true, play: addUnknown },
  { name: "config/invalid-types", play: refuseAll("CF-23", WRONG_TYPES) },
  { name: "config/invalid-names", play: refuseAll("CF-24", WRONG_NAMES) },
  { name: "root/missing", play: missRoot },
  { name: "root/paths", play: placeRoot },
  { name: "root/readonly", short: true, play: protectRoot },
  { name: "uts/names", play: nameHost },
  { name: "annotations/invalid", play: breakAnnotations },
  { name: "annotations/unknown", play: annotateUnknown },
  { name: "mounts/order", short: true, play: orderMounts },
  { name: "mounts/relative-destination", play: mountRelative },
  { name: "mounts/sources", play: mountSources },
  { name: "mounts/data", play: passData },
];
