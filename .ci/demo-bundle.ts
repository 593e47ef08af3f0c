import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Config, Mount } from "../lib/spec/config.ts";
import { defaultConfig, stringifyConfig } from "../lib/spec/default-config.ts";

const BUSYBOX = "/bin/busybox";
const APPLETS = ["sh", "echo", "hostname", "cat", "grep", "wc", "id", "ls", "ps", "sed", "tr"];
const HOST_FOLDERS = ["/usr", "/bin", "/sbin", "/lib", "/lib64"];
const ROOT_FOLDERS = ["dev", "proc", "sys", "tmp"];

/** What the container says about itself, with tools that busybox and a host both have. */
const SCRIPT = `
echo "my pid is $$, my user is $(id -u), my hostname is $(hostname)"
echo "I see $(ls -d /proc/[0-9]* | wc -l) processes, all of them this script's"
echo "I have $(wc -l < /proc/self/mountinfo) mounts; / is $(
  grep ' / ' /proc/self/mounts | grep -q '[ ,]ro[, ]' && echo read-only || echo writable)"
echo "my capabilities are $(grep CapEff /proc/self/status | sed 's|.*[^0-9a-f]||')"
`;

/** Makes a bundle at `path`. Returns what its root filesystem is made of. */
export function makeDemoBundle(path: string): string {
  const rootfs = join(path, "rootfs");
  for (const folder of ROOT_FOLDERS) mkdirSync(join(rootfs, folder), { recursive: true, mode: 0o755 });
  const useBusybox = isStatic(BUSYBOX);
  if (useBusybox) installBusybox(rootfs);
  const mounts = useBusybox ? [] : hostView(rootfs);
  writeFileSync(join(path, "config.json"), stringifyConfig(demoConfig(mounts)));
  return useBusybox ? BUSYBOX : "a read-only view of this host's programs";
}

function demoConfig(mounts: readonly Mount[]): Config {
  const rootless = process.geteuid?.() !== 0;
  const ids = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const config = defaultConfig({ rootless, ...ids, cgroupMode: "legacy" });
  return {
    ...config,
    hostname: "tsrun-start",
    process: {
      ...config.process,
      cwd: "/",
      user: { uid: 0, gid: 0 },
      terminal: false,
      args: ["/bin/sh", "-c", SCRIPT],
    },
    mounts: [...(config.mounts ?? []).filter(({ type }) => type !== "cgroup"), ...mounts],
  };
}

/** A program that names no dynamic linker needs no library. */
function isStatic(program: string): boolean {
  if (!existsSync(program)) return false;
  const content = readFileSync(program);
  return !content.includes("/ld-linux") && !content.includes("/ld-musl");
}

function installBusybox(rootfs: string): void {
  mkdirSync(join(rootfs, "bin"), { mode: 0o755 });
  const target = join(rootfs, "bin/busybox");
  copyFileSync(BUSYBOX, target);
  chmodSync(target, 0o755);
  for (const applet of APPLETS) symlinkSync("busybox", join(rootfs, "bin", applet));
}

/** Host folders become bind mounts, and symbolic links such as /bin → usr/bin stay links. */
function hostView(rootfs: string): readonly Mount[] {
  return HOST_FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder): Mount[] => {
    const inside = join(rootfs, folder);
    if (lstatSync(folder).isSymbolicLink()) {
      if (!existsSync(inside)) symlinkSync(readlinkSync(folder), inside);
      return [];
    }
    mkdirSync(inside, { recursive: true });
    return [{ destination: folder, type: "bind", source: folder, options: ["rbind", "ro", "nosuid", "nodev"] }];
  });
}
