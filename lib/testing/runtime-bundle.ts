import { chmodSync, copyFileSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import type { Config } from "../spec/config.ts";
import { defaultConfig } from "../spec/default-config.ts";

/** What a test changes of a config: it has everything that `tsrun spec` writes. */
export type FullConfig = Config & Required<Pick<Config, "process" | "linux" | "mounts">>;

const APPLETS = ["cat", "false", "kill", "ls", "sh", "sleep", "true"];
const FOLDERS = ["bin", "dev", "etc", "proc", "sys", "tmp"];

/** The config of `tsrun spec`, without a terminal, that runs `args` in a cgroup of its own. */
export function testConfig(args: readonly string[], cgroupsPath: string): FullConfig {
  const {
    process,
    linux = {},
    mounts = [],
    ...rest
  } = defaultConfig({
    rootless: false,
    uid: 0,
    gid: 0,
    cgroupMode: "hybrid",
  });
  return {
    ...rest,
    root: { path: "rootfs" },
    process: { cwd: "/", ...process, terminal: false, args },
    mounts,
    linux: { ...linux, cgroupsPath },
  };
}

/** Makes a bundle: `config` is written as it is, valid or not; the rootfs has a busybox, linked from `busybox`. */
export function writeBundle(path: string, config: unknown, busybox: string): void {
  const rootfs = `${path}/rootfs`;
  mkdirSync(path);
  mkdirSync(rootfs);
  for (const folder of FOLDERS) mkdirSync(`${rootfs}/${folder}`);
  linkSync(busybox, `${rootfs}/bin/busybox`);
  for (const applet of APPLETS) symlinkSync("busybox", `${rootfs}/bin/${applet}`);
  writeFileSync(`${path}/config.json`, typeof config === "string" ? config : JSON.stringify(config));
}

/** Copies the host's static busybox. @throws {Error} where there is none */
export function copyBusybox(path: string): void {
  copyFileSync("/bin/busybox", path);
  chmodSync(path, 0o755);
}
