import { chmodSync, copyFileSync, lchownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "./runtime.ts";

const FOLDERS: readonly string[] = ["bin", "dev", "etc", "home", "proc", "sys", "tmp"];
const APPLETS: readonly string[] = (
  "cat chmod cp cut date dd echo env find grep head hostname id ip kill ln ls mkdir mknod mount mv od ps readlink rm " +
  "sed setsid sh sleep sort stat stty tail test touch tr true false umount uname uniq wc"
).split(" ");

/** Makes a root filesystem of busybox at `path`. @throws {Error} where there is no static busybox */
export function makeRootfs(path: string): void {
  const busybox = findProgram("busybox");
  if (busybox === undefined) throw new Error("cannot make a root filesystem: busybox is not installed");
  mkdirSync(path, { recursive: true, mode: 0o755 });
  for (const folder of FOLDERS) mkdirSync(join(path, folder), { mode: 0o755 });
  chmodSync(join(path, "tmp"), 0o1777);
  copyFileSync(busybox, join(path, "bin/busybox"));
  chmodSync(join(path, "bin/busybox"), 0o755);
  for (const applet of APPLETS) symlinkSync("busybox", join(path, "bin", applet));
  writeFileSync(join(path, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n");
  writeFileSync(join(path, "etc/group"), "root:x:0:\ntty:x:5:\nuser:x:1000:\n");
}

/** Gives a tree to `id`, as an engine does for a container in a user namespace. */
export function chownTree(path: string, id: number): void {
  lchownSync(path, id, id);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) chownTree(child, id);
    else lchownSync(child, id, id);
  }
}
