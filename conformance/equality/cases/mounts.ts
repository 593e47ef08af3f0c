import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Mount } from "../../harness/config.ts";
import { type EqualityCase, probeCase } from "../flow.ts";
import type { Session } from "../session.ts";

const SOURCE = "source";

/** A folder of the host with a file and a folder with a tmpfs of its own in it. */
function makeSource(session: Session): void {
  const source = join(session.folder, SOURCE);
  mkdirSync(join(source, "below"), { recursive: true, mode: 0o755 });
  writeFileSync(join(source, "file"), "content\n", { mode: 0o640 });
  const below = join(source, "below");
  Bun.spawnSync({ cmd: ["mount", "-t", "tmpfs", "-o", "size=64k,mode=711", "below", below] });
  session.defer(() => {
    Bun.spawnSync({ cmd: ["umount", "-l", below] });
  });
}

function mountCase(name: string, mounts: (source: string) => readonly Mount[], paths: readonly string[]): EqualityCase {
  return probeCase({
    name: `mounts/${name}`,
    prepare: makeSource,
    configure: (config, session) => {
      config.mounts.push(...mounts(join(session.folder, SOURCE)));
    },
    // The source's own mount is undone after the comparison of leftovers begins to matter.
    inspect: (session) => {
      Bun.spawnSync({ cmd: ["umount", "-l", join(session.folder, SOURCE, "below")] });
    },
    probe: { paths, reads: paths, writes: paths },
  });
}

const FLAG_OPTIONS: readonly (readonly string[])[] = [
  ["ro"],
  ["nosuid", "nodev", "noexec"],
  ["noatime"],
  ["nodiratime", "strictatime"],
  ["relatime", "sync"],
  ["dirsync", "mand"],
  ["size=1m", "mode=1770", "uid=7", "gid=8"],
  ["nr_inodes=100"],
  ["ro", "rw"],
  ["noexec", "exec", "nosuid", "suid"],
  ["defaults"],
  ["silent"],
  ["nosymfollow"],
  ["tmpcopyup"],
  // As podman has it where there is no label.
  ["nosuid", ""],
];

const BIND_OPTIONS: readonly (readonly string[])[] = [
  ["bind"],
  ["rbind"],
  ["bind", "ro"],
  ["rbind", "ro"],
  ["rbind", "rro"],
  ["rbind", "nosuid", "nodev", "noexec"],
  ["bind", "async", "nolazytime"],
  ["bind", "private"],
  ["rbind", "rprivate"],
  ["rbind", "rslave"],
  ["rbind", "rshared"],
  ["bind", "slave", "shared"],
  ["rbind", "unbindable"],
  ["bind", "noatime"],
];

/** config.md § Mounts. */
export function mountCases(): readonly EqualityCase[] {
  return [
    ...FLAG_OPTIONS.map((options) =>
      mountCase(
        `tmpfs ${options.join(",")}`,
        () => [{ destination: "/t", type: "tmpfs", source: "tmpfs", options: [...options] }],
        ["/t"],
      ),
    ),
    ...BIND_OPTIONS.map((options) =>
      mountCase(
        `bind ${options.join(",")}`,
        (source) => [{ destination: "/b", type: "bind", source, options: [...options] }],
        ["/b", "/b/file", "/b/below"],
      ),
    ),
    ...placeCases(),
    ...specialCases(),
  ];
}

function placeCases(): readonly EqualityCase[] {
  return [
    mountCase(
      "a file on a file that is made",
      (source) => [{ destination: "/made/file", type: "bind", source: join(source, "file"), options: ["bind", "ro"] }],
      ["/made", "/made/file"],
    ),
    mountCase("type none with bind", (source) => [{ destination: "/n", type: "none", source, options: ["rbind"] }], [
      "/n",
    ]),
    mountCase(
      "new options for what is mounted",
      () => [
        { destination: "/t", type: "tmpfs", source: "tmpfs", options: ["size=1m"] },
        { destination: "/t", type: "tmpfs", source: "tmpfs", options: ["remount", "size=2m", "ro"] },
      ],
      ["/t"],
    ),
    mountCase("bind without a type", (source) => [{ destination: "/n", source, options: ["rbind", "ro"] }], ["/n"]),
    mountCase(
      "one on the other",
      (source) => [
        { destination: "/t", type: "tmpfs", source: "first", options: ["mode=700"] },
        { destination: "/t/in", type: "bind", source, options: ["bind"] },
        { destination: "/t", type: "tmpfs", source: "second", options: ["mode=711"] },
      ],
      ["/t", "/t/in"],
    ),
    probeCase({
      name: "mounts/through a symbolic link",
      prepare: ({ rootfs }) => {
        mkdirSync(join(rootfs, "real"), { mode: 0o755 });
        symlinkSync("/real", join(rootfs, "link"));
        symlinkSync("../../../../real", join(rootfs, "real/escape"));
      },
      configure: ({ mounts }) => {
        mounts.push({ destination: "/link/t", type: "tmpfs", source: "tmpfs" });
        mounts.push({ destination: "/real/escape/u", type: "tmpfs", source: "tmpfs" });
      },
      probe: { paths: ["/real", "/real/t", "/real/u"] },
    }),
    mountCase("path with dots", () => [{ destination: "/x/../y/./z", type: "tmpfs", source: "tmpfs" }], ["/y/z", "/x"]),
  ];
}

function specialCases(): readonly EqualityCase[] {
  return [
    probeCase({
      name: "mounts/none but proc",
      configure: (config) => {
        config.mounts = [{ destination: "/proc", type: "proc", source: "proc" }];
        config.linux.maskedPaths = [];
        config.linux.readonlyPaths = [];
      },
    }),
    mountCase(
      "cgroup",
      () => [
        {
          destination: "/sys/fs/cgroup",
          type: "cgroup",
          source: "cgroup",
          options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
        },
      ],
      ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"],
    ),
    mountCase(
      "cgroup writable",
      () => [{ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"] }],
      ["/sys/fs/cgroup/memory"],
    ),
    probeCase({
      name: "mounts/cgroup in a cgroup namespace",
      configure: (config) => {
        config.linux.namespaces.push({ type: "cgroup" });
        config.mounts.push({
          destination: "/sys/fs/cgroup",
          type: "cgroup",
          source: "cgroup",
          options: ["ro", "nosuid", "noexec", "nodev"],
        });
      },
      probe: { paths: ["/sys/fs/cgroup/memory"] },
    }),
    probeCase({
      name: "mounts/sys bound from the host",
      configure: (config) => {
        config.mounts = config.mounts.filter(({ destination }) => destination !== "/sys");
        config.mounts.push({
          destination: "/sys",
          type: "none",
          source: "/sys",
          options: ["rbind", "nosuid", "noexec", "nodev", "ro"],
        });
      },
    }),
    probeCase({
      name: "mounts/dev bound from the host",
      configure: (config) => {
        config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
        config.mounts.push({ destination: "/dev", type: "bind", source: "/dev", options: ["rbind", "rw"] });
      },
    }),
    probeCase({
      name: "mounts/dev read-only",
      configure: (config) => {
        config.mounts.find(({ destination }) => destination === "/dev")?.options?.push("ro");
      },
    }),
  ];
}
