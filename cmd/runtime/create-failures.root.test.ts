import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import type { FullConfig } from "../../lib/testing/runtime-bundle.ts";
import { expectFailure } from "../../lib/testing/runtime-failure.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { LONG, type Site } from "../../lib/testing/runtime-site.ts";

interface Case {
  readonly name: string;
  readonly args?: readonly string[];
  readonly config?: (config: FullConfig, site: Site) => unknown;
  /** Changes the bundle before it is used. */
  readonly prepare?: (bundle: string, site: Site) => void;
  readonly flags?: (site: Site) => readonly string[];
  readonly message: RegExp | ((site: Site, bundle: string) => string);
}

const withMount =
  (mount: object) =>
  (config: FullConfig): unknown => ({ ...config, mounts: [...config.mounts, mount] });
const withProcess =
  (change: object) =>
  (config: FullConfig): unknown => ({ ...config, process: { ...config.process, ...change } });
const withLinux =
  (change: object) =>
  (config: FullConfig): unknown => ({ ...config, linux: { ...config.linux, ...change } });
const withNamespaces = (last: object) => withLinux({ namespaces: [{ type: "mount" }, { type: "uts" }, last] });
const withMemory = (limit: number) => withLinux({ resources: { memory: { limit } } });

/** `testConfig` has seven mounts; the one a case adds is the eighth. */
const ADDED = "mounts\\[7\\]";

const BUNDLES: readonly Case[] = [
  {
    name: "a bundle that is not there",
    prepare: (bundle) => rmSync(bundle, { recursive: true }),
    message: (_, bundle) => `cannot read ${bundle}/config.json: no such file or directory (ENOENT)`,
  },
  {
    name: "a bundle without a config",
    prepare: (bundle) => rmSync(`${bundle}/config.json`),
    message: (_, bundle) => `cannot read ${bundle}/config.json: no such file or directory (ENOENT)`,
  },
  { name: "broken JSON", config: () => '{"ociVersion": "1.0.0",', message: /config\.json: .*line 1/ },
  { name: "a config that is not an object", config: () => "[]", message: /config\.json: \/: \[\]: must be an object/ },
  {
    name: "two faults at once, and names both",
    config: (config) => ({ ...config, ociVersion: "2.0.0", process: { ...config.process, cwd: "tmp" } }),
    message: /config\.json: .*\/ociVersion: "2\.0\.0".*\/process\/cwd: "tmp"/,
  },
  {
    name: "a rootfs that is not there",
    prepare: (bundle) => rmSync(`${bundle}/rootfs`, { recursive: true }),
    message: (_, bundle) => `cannot open rootfs ${bundle}/rootfs (root.path): no such file or directory (ENOENT)`,
  },
  {
    name: "a rootfs that is a file",
    prepare: (bundle) => {
      rmSync(`${bundle}/rootfs`, { recursive: true });
      writeFileSync(`${bundle}/rootfs`, "");
    },
    message: (_, bundle) => `cannot open rootfs ${bundle}/rootfs (root.path): not a directory (ENOTDIR)`,
  },
];

const EXECUTABLES: readonly Case[] = [
  {
    name: "an executable that is not in PATH",
    args: ["missing"],
    message: () => 'exec: "missing": executable file not found in $PATH (process.args[0])',
  },
  {
    name: "an absolute executable that is not there",
    args: ["/bin/missing"],
    message: () => 'exec: "/bin/missing": stat /bin/missing: no such file or directory (ENOENT) (process.args[0])',
  },
  {
    name: "an executable that is a directory",
    args: ["/bin"],
    message: () => 'exec: "/bin": is a directory (EISDIR): permission denied (process.args[0])',
  },
  {
    name: "an executable that may not be executed",
    args: ["/plain"],
    prepare: (bundle) => writeFileSync(`${bundle}/rootfs/plain`, "#!/bin/sh\n", { mode: 0o644 }),
    message: () => 'exec: "/plain": permission denied (EACCES) (process.args[0])',
  },
  {
    name: "a script without its interpreter",
    args: ["/script"],
    prepare: (bundle) => writeFileSync(`${bundle}/rootfs/script`, "#!/nope\n", { mode: 0o755 }),
    message: /^tsrun: exec \/script: no such file or directory \(ENOENT\): its interpreter .*\(process\.args\[0\]\)\n$/,
  },
  {
    name: "a file that is no program",
    args: ["/data"],
    prepare: (bundle) => writeFileSync(`${bundle}/rootfs/data`, "\u0001\u0002\u0003", { mode: 0o755 }),
    message: () => "exec /data: exec format error (ENOEXEC) (process.args[0])",
  },
];

const MOUNTS: readonly Case[] = [
  {
    name: "an option that tmpfs does not have, in the kernel's words",
    config: withMount({ destination: "/mnt", type: "tmpfs", options: ["nosuid", "foo=1"] }),
    message: new RegExp(
      `cannot mount tmpfs on /mnt \\(${ADDED}\\.options\\[1\\]\\): invalid argument \\(EINVAL\\): .*foo`,
    ),
  },
  {
    name: "a value that tmpfs does not take",
    config: withMount({ destination: "/mnt", type: "tmpfs", options: ["size=a lot"] }),
    message: new RegExp(
      `cannot mount tmpfs on /mnt \\(${ADDED}\\.options\\[0\\]\\): invalid argument \\(EINVAL\\): .*size`,
    ),
  },
  {
    name: "a bind mount without its source",
    config: withMount({ destination: "/mnt", type: "bind", source: "/nonexistent", options: ["rbind"] }),
    message: new RegExp(
      `cannot mount /nonexistent on /mnt \\(${ADDED}\\.source\\): no such file or directory \\(ENOENT\\)`,
    ),
  },
  {
    name: "a filesystem the kernel does not know",
    config: withMount({ destination: "/mnt", type: "nosuchfs", source: "none" }),
    message: new RegExp(`cannot mount nosuchfs on /mnt \\(${ADDED}[.a-z]*\\): no such device \\(ENODEV\\)`),
  },
  {
    name: "a bind of a directory on a file",
    config: withMount({ destination: "/bin/busybox", type: "bind", source: "/tmp", options: ["bind"] }),
    message: new RegExp(`cannot mount /tmp on /bin/busybox \\(${ADDED}[.a-z]*\\): not a directory \\(ENOTDIR\\)`),
  },
  {
    name: "a mount inside of /proc",
    config: withMount({ destination: "/proc/self/attr", type: "tmpfs" }),
    message: new RegExp(`cannot mount tmpfs on /proc/self/attr \\(${ADDED}\\): `),
  },
  {
    name: "a mount through a link into /proc",
    config: withMount({ destination: "/link/1", type: "tmpfs" }),
    prepare: (bundle) => symlinkSync("/proc/sys/../", `${bundle}/rootfs/link`),
    message: new RegExp(`cannot mount tmpfs on /link/1 \\(${ADDED}\\): it leads into a proc filesystem`),
  },
  {
    name: "a /proc that is a link",
    prepare: (bundle) => {
      rmSync(`${bundle}/rootfs/proc`, { recursive: true });
      symlinkSync("tmp", `${bundle}/rootfs/proc`);
    },
    message: /cannot mount proc on \/proc \(mounts\[0\]\): "proc" must be mounted on ordinary directory/,
  },
  {
    name: "a /dev/null that is a link to a file of the kernel, when it would mask paths (CVE-2025-31133)",
    config: withoutDevMounts,
    prepare: (bundle) => symlinkSync("/proc/sys/kernel/core_pattern", `${bundle}/rootfs/dev/null`),
    message: /cannot make device \/dev\/null: /,
  },
  {
    name: "a /dev/null that is a file (CVE-2025-31133)",
    config: withoutDevMounts,
    prepare: (bundle) => writeFileSync(`${bundle}/rootfs/dev/null`, ""),
    message: () => "cannot make device /dev/null: /dev/null is there and is something else",
  },
  {
    name: "a /dev/null in a bound /dev that is a link, when it masks paths (CVE-2025-31133)",
    config: (config, site) => withMount(boundDev(site))(withoutDevMounts(config)),
    prepare: (_, site) => makeDev(site, (path) => symlinkSync("/proc/sys/kernel/core_pattern", path)),
    message:
      /cannot (reopen \/dev\/null|mask paths \(linux\.maskedPaths\)): \/dev\/null of the container is not the null device/,
  },
  {
    name: "a /dev/null in a bound /dev that is a file, when it masks paths (CVE-2025-31133)",
    config: (config, site) => withMount(boundDev(site))(withoutDevMounts(config)),
    prepare: (_, site) => makeDev(site, (path) => writeFileSync(path, "")),
    message:
      /cannot (reopen \/dev\/null|mask paths \(linux\.maskedPaths\)): \/dev\/null of the container is not the null device/,
  },
];

function boundDev(site: Site): object {
  return { destination: "/dev", type: "bind", source: `${site.folder}/bound-dev`, options: ["bind"] };
}

function makeDev(site: Site, makeNull: (path: string) => void): void {
  const folder = `${site.folder}/bound-dev`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  makeNull(`${folder}/null`);
}

function withoutDevMounts(config: FullConfig): FullConfig {
  return { ...config, mounts: config.mounts.filter(({ destination }) => !destination.startsWith("/dev")) };
}

const OTHERS: readonly Case[] = [
  {
    name: "a pid file in a folder that is not there",
    flags: (site) => ["--pid-file", `${site.folder}/nowhere/web.pid`],
    message: (site) => `cannot write ${site.folder}/nowhere/.web.pid: no such file or directory (ENOENT)`,
  },
  {
    name: "descriptors to preserve that are not open",
    flags: () => ["--preserve-fds", "2"],
    message: () => "cannot preserve 2 descriptors: descriptor 3 is not open",
  },
  {
    name: "a terminal without a console socket",
    config: withProcess({ terminal: true }),
    message: () => "cannot allocate tty if tsrun will detach without setting console socket",
  },
  {
    name: "a console socket without a terminal",
    flags: (site) => ["--console-socket", `${site.folder}/console.sock`],
    message: () => "cannot use console socket if tsrun will not detach or allocate tty",
  },
  {
    name: "a console socket that is not there",
    config: withProcess({ terminal: true }),
    flags: (site) => ["--console-socket", `${site.folder}/console.sock`],
    message: (site) => `cannot connect to ${site.folder}/console.sock: no such file or directory (ENOENT)`,
  },
  {
    name: "a console socket that is a file",
    config: withProcess({ terminal: true }),
    flags: (site) => ["--console-socket", `${site.folder}/busybox`],
    message: (site) => `cannot connect to ${site.folder}/busybox: connection refused (ECONNREFUSED)`,
  },
  {
    name: "a memory limit of one byte",
    config: withMemory(1),
    message: /memory limit too low/,
  },
  {
    name: "a memory limit below what init takes",
    config: withMemory(4096),
    message: /memory limit too low/,
  },
  {
    name: "a limit the kernel refuses",
    config: withLinux({ resources: { cpu: { shares: 1024, quota: 1 } } }),
    message: /cannot write "1" to cpu\.cfs_quota_us \(linux\.resources\.cpu\.quota\): invalid argument \(EINVAL\)/,
  },
  {
    name: "a namespace that is of another type",
    config: withNamespaces({ type: "network", path: `/proc/${process.pid}/ns/uts` }),
    message: /\(linux\.namespaces\[2\][.a-z]*\): invalid argument \(EINVAL\)/,
  },
  {
    name: "a namespace that is not there",
    config: withNamespaces({ type: "network", path: "/nonexistent" }),
    message: /\(linux\.namespaces\[2\][.a-z]*\): no such file or directory \(ENOENT\)/,
  },
  {
    name: "a sysctl that is not there",
    config: withLinux({ sysctl: { "net.nonexistent": "1" } }),
    message: /\(linux\.sysctl.*net\.nonexistent.*\): no such file or directory \(ENOENT\)/,
  },
  {
    name: "a working directory that is a file",
    config: withProcess({ cwd: "/bin/busybox" }),
    message: /working directory \/bin\/busybox \(process\.cwd\): not a directory \(ENOTDIR\)/,
  },
];

describe("tsrun create: what it refuses, and leaves nothing of", () => {
  const checked = useSite();

  for (const verb of ["create", "run"]) {
    for (const { name, args = LONG, config = (c: FullConfig) => c, prepare, flags, message } of [
      ...BUNDLES,
      ...MOUNTS,
      ...OTHERS,
    ]) {
      if (verb === "run" && flags !== undefined) continue;
      if (verb === "run" && /terminal/.test(name)) continue;
      it(
        `${verb}: ${name}`,
        checked(async (site) => {
          const bundle = site.bundle(args, (c) => config(c, site));
          prepare?.(bundle, site);
          const wanted = message instanceof RegExp ? message : message(site, bundle);
          await expectFailure(site, [verb, "--bundle", bundle, ...(flags?.(site) ?? []), "web"], wanted);
        }),
      );
    }
  }
  for (const { name, args = LONG, prepare, message } of EXECUTABLES) {
    it(
      `run: ${name}`,
      checked(async (site) => {
        const bundle = site.bundle(args);
        prepare?.(bundle, site);
        const wanted = message instanceof RegExp ? message : message(site, bundle);
        for (const flags of [[], ["--detach"], ["--keep"]]) {
          await expectFailure(site, ["run", ...flags, "--bundle", bundle, "web"], wanted);
        }
      }),
    );
  }

  it(
    "an unknown bundle by a relative path, named as an absolute one",
    checked(async (site) => {
      const message = `cannot read ${site.folder}/nowhere/config.json: no such file or directory (ENOENT)`;
      await expectFailure(site, ["create", "--bundle", "nowhere", "web"], message, { cwd: site.folder });
    }),
  );

  it(
    "a working directory that is an inherited descriptor of the host's (CVE-2024-21626)",
    checked(async (site) => {
      await site.withHostDescriptors(18, async (descriptors) => {
        for (let n = 3; n <= 20; n++) {
          const bundle = site.bundle(["ls"], withProcess({ cwd: `/proc/self/fd/${n}` }));
          await expectFailure(site, ["run", "--bundle", bundle, "web"], /\(process\.cwd\): /, { descriptors });
        }
      });
    }),
  );

  it(
    "a rootfs whose /dev is a link to a folder of the host: nothing is made there (CVE-2026-41579)",
    checked(async (site) => {
      const outside = `${site.folder}/outside`;
      mkdirSync(outside);
      for (const link of [outside, "../../outside"]) {
        const bundle = site.bundle(["true"], withoutDevMounts);
        rmSync(`${bundle}/rootfs/dev`, { recursive: true });
        symlinkSync(link, `${bundle}/rootfs/dev`);
        await site.run("run", "--bundle", bundle, "web");
        expect(readdirSync(outside)).to.deep.equal([]);
        // Where the link leads inside of the root.
        expect(readdirSync(`${bundle}/rootfs`)).to.not.include("null");
      }
    }),
  );

  it(
    "a mount destination through a link to the outside stays inside",
    checked(async (site) => {
      const outside = `${site.folder}/beyond`;
      mkdirSync(outside);
      for (const link of [outside, "../../beyond", "../../../../../../../../beyond"]) {
        const bundle = site.bundle(
          ["sh", "-c", "grep -c /made /proc/self/mounts"],
          withMount({ destination: "/link/made", type: "tmpfs" }),
        );
        symlinkSync("busybox", `${bundle}/rootfs/bin/grep`);
        symlinkSync(link, `${bundle}/rootfs/link`);
        expect(await site.run("run", "--bundle", bundle, "web")).to.deep.include({ status: 0, stdout: "1\n" });
        expect(readdirSync(outside)).to.deep.equal([]);
      }
    }),
  );
});
