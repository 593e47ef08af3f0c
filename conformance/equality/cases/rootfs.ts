import { mkdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type EqualityCase, probeCase } from "../flow.ts";

/** config.md § Root, config-linux.md § Rootfs Mount Propagation, Masked Paths, Readonly Paths. */
export function rootfsCases(): readonly EqualityCase[] {
  return [
    probeCase({
      name: "rootfs/read-only",
      configure: ({ root }) => {
        root.readonly = true;
      },
    }),
    probeCase({
      name: "rootfs/absolute path",
      via: "create",
      configure: ({ root }, session) => {
        root.path = session.rootfs;
      },
    }),
    probeCase({
      name: "rootfs/path through a link",
      via: "create",
      prepare: ({ bundle }) => {
        renameSync(join(bundle, "rootfs"), join(bundle, "real"));
        symlinkSync("real", join(bundle, "rootfs"));
      },
      inspect: ({ bundle }) => renameSync(join(bundle, "real"), join(bundle, "other")),
    }),
    probeCase({ name: "rootfs/no pivot", flags: ["--no-pivot"] }),
    ...["private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"].map((propagation) =>
      probeCase({
        name: `rootfs/propagation ${propagation}`,
        configure: ({ linux }) => {
          linux.rootfsPropagation = propagation;
        },
      }),
    ),
    ...maskedCases(),
  ];
}

function maskedCases(): readonly EqualityCase[] {
  return [
    probeCase({
      name: "rootfs/nothing masked",
      configure: ({ linux }) => {
        delete linux.maskedPaths;
        delete linux.readonlyPaths;
      },
      probe: { reads: ["/proc/version"] },
    }),
    probeCase({
      name: "rootfs/masked file, folder and missing path",
      configure: ({ linux }) => {
        linux.maskedPaths = ["/etc/passwd", "/home", "/not/there", "/proc/version"];
        linux.readonlyPaths = ["/tmp", "/etc/group", "/not/there/either", "/proc/sys"];
      },
      prepare: ({ rootfs }) => mkdirSync(join(rootfs, "home/user")),
      probe: {
        paths: ["/etc/passwd", "/home", "/proc/version"],
        reads: ["/etc/passwd", "/home", "/proc/version", "/etc/group"],
        writes: ["/etc/passwd", "/home", "/tmp", "/etc/group"],
      },
    }),
    probeCase({
      name: "rootfs/masked twice and read-only too",
      configure: ({ linux }) => {
        linux.maskedPaths = ["/home", "/home"];
        linux.readonlyPaths = ["/home", "/sys"];
      },
      probe: { paths: ["/home"], writes: ["/home"] },
    }),
  ];
}
