import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultMounts } from "../../harness/config.ts";
import type { Scenario, Stage } from "../stage.ts";

const FILESYSTEMS = [
  ["CL-01", "/proc", "proc"],
  ["CL-02", "/sys", "sysfs"],
  ["CL-03", "/dev/pts", "devpts"],
  ["CL-04", "/dev/shm", "tmpfs"],
] as const;

/** The sentence does not say whether the runtime or the config brings them; here the config asks for them. */
async function showFilesystems(stage: Stage): Promise<void> {
  stage.config.mounts = defaultMounts();
  const report = await stage.play("read:/proc/self/mountinfo");
  for (const [id, path, type] of FILESYSTEMS) {
    const shown = report.mountAt(path)?.type;
    stage.expect(id, shown === type, `${path} is ${shown}`);
  }
}

const DEFAULT_DEVICES = [
  ["CL-38", "/dev/null", 1, 3],
  ["CL-39", "/dev/zero", 1, 5],
  ["CL-40", "/dev/full", 1, 7],
  ["CL-41", "/dev/random", 1, 8],
  ["CL-42", "/dev/urandom", 1, 9],
  ["CL-43", "/dev/tty", 5, 0],
] as const;

async function showDefaultDevices(stage: Stage): Promise<void> {
  const paths = DEFAULT_DEVICES.map(([, path]) => path);
  const readable = ["/dev/zero", "/dev/urandom"];
  const actions = [...paths.map((path) => `stat:${path}`), ...readable.map((path) => `read:${path}`)];
  const report = await stage.play(...actions, "stat:/dev/ptmx", "stat:/dev/pts/ptmx", "list:/dev");
  for (const [id, path, major, minor] of DEFAULT_DEVICES) {
    const shown = report.of(`stat:${path}`);
    const isIt = shown.type === "c" && shown.major === major && shown.minor === minor;
    stage.expect(id, isIt, `${path} is ${shown.type} ${shown.major}:${shown.minor}`);
  }
  for (const path of readable) {
    const { errno } = report.of(`read:${path}`);
    const id = path === "/dev/zero" ? "CL-39" : "CL-42";
    stage.expect(id, errno === 0, `${path} cannot be read: errno ${errno}`);
  }
  const ptmx = report.of("stat:/dev/ptmx");
  const isLink = ptmx.type === "link" && ["pts/ptmx", "/dev/pts/ptmx"].includes(ptmx.target ?? "");
  const isBind = ptmx.type === "c" && ptmx.major === 5 && ptmx.minor === 2;
  stage.expect("CL-45", isLink || isBind, `/dev/ptmx is a ${ptmx.type}, ${ptmx.target}`);
  const expected = ["null", "zero", "full", "random", "urandom", "tty", "console", "ptmx"];
  const links = ["fd", "stdin", "stdout", "stderr", "core", "pts", "shm", "mqueue"];
  const others = report.of("list:/dev").names?.filter((name) => ![...expected, ...links].includes(name)) ?? [];
  stage.expect("CL-37", others.length === 0, `/dev has ${others.join(", ")}`);
}

async function listDevices(stage: Stage): Promise<void> {
  Object.assign(stage.config.linux, {
    devices: [
      { type: "c", path: "/dev/listed", major: 10, minor: 229, fileMode: 0o640, uid: 12, gid: 34 },
      { type: "b", path: "/elsewhere/block", major: 7, minor: 0, fileMode: 0o600 },
      { type: "p", path: "/dev/fifo", fileMode: 0o622 },
      { type: "u", path: "/dev/unbuffered", major: 1, minor: 3 },
    ],
  });
  const paths = ["/dev/listed", "/elsewhere/block", "/dev/fifo", "/dev/unbuffered"];
  const report = await stage.play(...paths.map((path) => `stat:${path}`));
  const [listed, block, fifo, unbuffered] = paths.map((path) => report.of(`stat:${path}`));
  const words = [listed, block, fifo, unbuffered]
    .map((line) => `${line?.type} ${line?.major}:${line?.minor}`)
    .join("; ");
  const isThere = listed?.type === "c" && listed.major === 10 && listed.minor === 229;
  stage.expect("CL-28", isThere && listed.errno === 0, words);
  stage.expect("CL-29", [listed, block, fifo, unbuffered].map((line) => line?.type).join("") === "cbpc", words);
  stage.expect("CL-31", block?.type === "b" && block.major === 7, words);
  const modes = [listed?.mode, fifo?.mode].map((mode) => mode?.toString(8)).join(", ");
  stage.expect("CL-33", modes === "640, 622", `modes ${modes}`);
  stage.expect("CL-34", listed?.uid === 12, `owner ${listed?.uid}`);
  stage.expect("CL-35", listed?.gid === 34, `group ${listed?.gid}`);
}

async function meetFile(stage: Stage): Promise<void> {
  writeFileSync(join(stage.rootfs, "taken"), "a file");
  await stage.expectRefused("CL-30", "a device where a file is", (config) => {
    config.linux.devices = [{ type: "c", path: "/taken", major: 1, minor: 3 }];
  });
  Bun.spawnSync(["mknod", join(stage.rootfs, "other"), "c", "1", "5"]);
  await stage.expectRefused("CL-30", "a device where another one is", (config) => {
    config.linux.devices = [{ type: "c", path: "/other", major: 1, minor: 3 }];
  });
}

async function missNumbers(stage: Stage): Promise<void> {
  for (const device of [
    { type: "c", path: "/dev/x" },
    { type: "b", path: "/dev/x", major: 7 },
  ]) {
    await stage.expectRefused("CL-32", `the device ${JSON.stringify(device)}`, (config) => {
      config.linux.devices = [device];
    });
  }
}

async function wantRdt(stage: Stage): Promise<void> {
  if (existsSync("/sys/fs/resctrl/schemata")) {
    stage.skip("CL-46", "resctrl is mounted");
  } else {
    await stage.expectRefused("CL-46", "intelRdt without resctrl", (config) => {
      Object.assign(config.linux, { intelRdt: { closID: "oci", l3CacheSchema: "L3:0=f" } });
    });
  }
  for (const memBwSchema of ["L3:0=f", "MB:0=50\nMB:1=50"]) {
    await stage.expectRefused("CL-50", `the memBwSchema ${JSON.stringify(memBwSchema)}`, (config) => {
      Object.assign(config.linux, { intelRdt: { memBwSchema } });
    });
  }
}

async function setSysctls(stage: Stage): Promise<void> {
  const sysctl = {
    "net.ipv4.ip_forward": "1",
    "net.core.somaxconn": "256",
    "kernel.shmmax": "123456",
    "fs.mqueue.msg_max": "7",
  };
  stage.config.linux.sysctl = sysctl;
  const pathOf = (name: string): string => `/proc/sys/${name.replaceAll(".", "/")}`;
  const report = await stage.play(...Object.keys(sysctl).map((name) => `read:${pathOf(name)}`));
  for (const [name, value] of Object.entries(sysctl)) {
    const shown = report.text(pathOf(name)).trim();
    stage.expect("CL-60", shown === value, `${name} is ${shown}`);
  }
}

async function propagate(stage: Stage): Promise<void> {
  const cases = [
    ["CL-61", "shared"],
    ["CL-62", "slave"],
    ["CL-63", "private"],
    ["CL-64", "unbindable"],
  ] as const;
  for (const [id, propagation] of cases) {
    stage.config.linux.rootfsPropagation = propagation;
    try {
      const words = (await stage.play("read:/proc/self/mountinfo")).mountAt("/")?.propagation ?? ["none"];
      const isShared = words.some((word) => word.startsWith("shared:"));
      const holds = {
        shared: isShared,
        slave: !isShared && !words.includes("unbindable"),
        private: words.length === 0,
        unbindable: words.includes("unbindable"),
      };
      stage.expect(id, holds[propagation], `/ is ${words.join(" ")}`);
    } catch (error) {
      stage.expect(id, false, error instanceof Error ? error.message : String(error));
      await stage.clear();
    }
  }
}

async function mask(stage: Stage): Promise<void> {
  mkdirSync(join(stage.rootfs, "secret"));
  writeFileSync(join(stage.rootfs, "secret/inner"), "s");
  writeFileSync(join(stage.rootfs, "hidden"), "s");
  stage.config.linux.maskedPaths = ["/secret", "/hidden", "/proc/kcore", "/missing"];
  const report = await stage.play("read:/hidden", "list:/secret", "read:/secret/inner", "read:/proc/kcore");
  const { errno, text } = report.of("read:/hidden");
  stage.expect("CL-65", errno !== 0 || text === "" || text === "0", `the file has ${text}`);
  const names = report.of("list:/secret").names ?? [];
  stage.expect("CL-65", names.length === 0, `the folder has ${names.join()}`);
  stage.expect("CL-65", report.of("read:/secret/inner").errno !== 0, "a file in the folder can be read");
}

async function protect(stage: Stage): Promise<void> {
  mkdirSync(join(stage.rootfs, "fixed"));
  writeFileSync(join(stage.rootfs, "fixed/inner"), "f");
  writeFileSync(join(stage.rootfs, "file"), "f");
  stage.config.linux.readonlyPaths = ["/fixed", "/file", "/proc/sys", "/missing"];
  const report = await stage.play("read:/file", "write:/file", "write:/fixed/inner", "touch:/fixed/new", "touch:/free");
  stage.expect("CL-67", report.text("/file") === "f", "the file cannot be read");
  const EROFS = 30;
  for (const action of ["write:/file", "write:/fixed/inner", "touch:/fixed/new"]) {
    stage.expect("CL-67", report.of(action).errno === EROFS, `${action}: errno ${report.of(action).errno}`);
  }
  stage.expect("CL-67", report.of("touch:/free").errno === 0, "nothing can be written");
}

async function giveRelativePaths(stage: Stage): Promise<void> {
  for (const path of ["proc/kcore", "./proc", ""]) {
    await stage.expectRefused("CL-66", `the masked path ${JSON.stringify(path)}`, (config) => {
      config.linux.maskedPaths = [path];
    });
    await stage.expectRefused("CL-68", `the read-only path ${JSON.stringify(path)}`, (config) => {
      config.linux.readonlyPaths = [path];
    });
  }
}

const MPOL_BIND = 2;

async function bindMemory(stage: Stage): Promise<void> {
  Object.assign(stage.config.linux, { memoryPolicy: { mode: "MPOL_BIND", nodes: "0", flags: [] } });
  const { self } = await stage.play("self");
  const shown = `mode ${self.memoryPolicy}, nodes ${self.memoryNodes}`;
  stage.expect("CL-70", self.memoryPolicy === MPOL_BIND && self.memoryNodes === 1, shown);
  await stage.expectRefused("CL-70", "a memory policy that is none", (config) => {
    Object.assign(config.linux, { memoryPolicy: { mode: "MPOL_NOSUCH", nodes: "0" } });
  });
}

async function be32Bit(stage: Stage): Promise<void> {
  const machines: string[] = [];
  for (const domain of ["LINUX32", "LINUX"]) {
    Object.assign(stage.config.linux, { personality: { domain } });
    machines.push((await stage.play("self")).self.machine);
  }
  const [short, long] = machines;
  const is32 = short !== undefined && /^(i.86|arm|mips|ppc|armv.*)$/.test(short);
  stage.expect("CL-71", is32 && long !== short, `LINUX32 shows ${short}, LINUX ${long}`);
}

/** config-linux.md, but for namespaces, cgroups and seccomp */
export const linuxScenarios: readonly Scenario[] = [
  { name: "linux/default-filesystems", play: showFilesystems },
  { name: "devices/default", short: true, play: showDefaultDevices },
  { name: "devices/listed", play: listDevices },
  { name: "devices/mismatch", play: meetFile },
  { name: "devices/invalid", play: missNumbers },
  { name: "rdt/unmounted", play: wantRdt },
  { name: "linux/sysctl", play: setSysctls },
  { name: "linux/propagation", play: propagate },
  { name: "linux/masked", short: true, play: mask },
  { name: "linux/readonly", short: true, play: protect },
  { name: "linux/paths-invalid", play: giveRelativePaths },
  { name: "linux/memory-policy", play: bindMemory },
  { name: "linux/personality", play: be32Bit },
];
