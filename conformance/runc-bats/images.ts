import { chmodSync, copyFileSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findProgram } from "../harness/runtime.ts";

/** Of Debian's image the tests use these, which busybox does not have, or not with these options. */
const OF_DEBIAN = ["bash", "chrt", "findmnt", "ionice", "mount", "umount"];

/** The variables of get-images.sh without `_IMAGE`, and the archives they name. */
export function makeImages(folder: string): Readonly<Record<"BUSYBOX" | "DEBIAN" | "HELLO", string>> {
  const root = join(folder, "image");
  makeBusybox(root);
  const busybox = pack(folder, "image");
  const debian = join(folder, "debian");
  cpSync(root, debian, { recursive: true, verbatimSymlinks: true });
  for (const name of OF_DEBIAN) copyProgram(name, debian);
  return { BUSYBOX: busybox, DEBIAN: pack(folder, "debian"), HELLO: busybox };
}

/** Like busybox's image: no /proc and no /sys, which some tests put there themselves. */
function makeBusybox(root: string): void {
  const busybox = findProgram("busybox") ?? "";
  for (const name of ["bin", "dev", "etc", "home", "root", "tmp", "usr/bin", "usr/sbin", "var"]) {
    mkdirSync(join(root, name), { recursive: true });
  }
  copyFileSync(busybox, join(root, "bin/busybox"));
  chmodSync(join(root, "bin/busybox"), 0o755);
  chmodSync(join(root, "tmp"), 0o1777);
  for (const applet of Bun.spawnSync([busybox, "--list"]).stdout.toString().split("\n")) {
    if (applet !== "" && applet !== "busybox") symlinkSync("busybox", join(root, "bin", applet));
  }
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\ndaemon:x:1:\n");
}

/** A program of this machine with the libraries that ldd(1) names, in the place of busybox's. */
function copyProgram(name: string, root: string): void {
  const program = findProgram(name);
  if (program === undefined) return;
  const target = join(root, "usr/bin", name);
  copyFileSync(program, target);
  chmodSync(target, 0o755);
  const libraries = Bun.spawnSync(["ldd", program]).stdout.toString();
  for (const [, path = ""] of libraries.matchAll(/(\/\S+)(?= \(0x)/g)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(path, join(root, path));
  }
  rmSync(join(root, "bin", name), { force: true });
}

function pack(folder: string, name: string): string {
  const archive = join(folder, `${name}.tar`);
  Bun.spawnSync(["tar", "-C", join(folder, name), "-cf", archive, "."]);
  return archive;
}
