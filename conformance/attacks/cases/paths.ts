/** Paths of the config that an image or a neighbour leads out of the rootfs. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../../harness/poll.ts";
import { type Attack, damageIf, type Edit } from "../attack.ts";
import { type AttackSite, SECRET } from "../attack-site.ts";

/** How long something may take on a busy machine. */
const START_MS = 60_000;
/** How many containers are made while a path is exchanged, of which few of a runtime without a defence would be hit. */
const RACES = 12;

/** A path that is joined with the rootfs as text. */
const UNSCOPED: readonly Edit[] = [
  {
    file: "lib/plan/calls.ts",
    from: "const scope = RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_MAGICLINKS;",
    to: "const scope = RESOLVE.RESOLVE_NO_MAGICLINKS;",
  },
  {
    file: "lib/plan/calls.ts",
    from: "    target.path,\n    flags(typeof make",
    to: '    target.path.replace(/^[/]+/, "") || ".",\n    flags(typeof make',
  },
];

/** A link in the rootfs to the victim's directory, which is what the container would make of its path, too. */
function linkOut(site: AttackSite, name: string): void {
  rmSync(join(site.rootfs, name), { recursive: true, force: true });
  symlinkSync(site.victim, join(site.rootfs, name));
}

/** Runs containers while a directory of the rootfs and a link out of it change places. */
async function race(site: AttackSite): Promise<void> {
  const volume = join(site.rootfs, "volume");
  mkdirSync(join(volume, "target"), { recursive: true });
  symlinkSync(site.victim, join(volume, "other"));
  const flips = site.begin([site.intruder, "flip", join(volume, "target"), join(volume, "other")]);
  try {
    await waitUntil("exchange of the paths", () => flips.output().includes("flipping"), START_MS);
    for (let round = 0; round < RACES; round++) await site.run();
  } finally {
    flips.signal("SIGTERM");
  }
  const { stdout } = await flips.outcome;
  if (!/^[1-9]\d* times$/m.test(stdout)) throw new Error(`nothing was exchanged: ${stdout}`);
}

const mounts: readonly Attack[] = [
  {
    name: "paths/mount destination is a link out",
    row: "CVE-2021-30465",
    what: "a tmpfs, a bind and a directory to be made, at a link to a directory of the host",
    mutant: UNSCOPED,
    run: async (site) => {
      linkOut(site, "out");
      site.config.mounts.push(
        { destination: "/out/new/directory", type: "tmpfs", source: "tmpfs" },
        { destination: "/out/secret", type: "bind", source: "/etc/hostname", options: ["bind"] },
        { destination: "/out", type: "tmpfs", source: "tmpfs" },
      );
      const mounted = site.watchMounts();
      await site.run();
      return [...site.victimDamage(), ...mounted()];
    },
  },
  {
    name: "paths/mount destination changes places with a link out",
    row: "CVE-2021-30465",
    what: "a process that exchanges the destination of a mount with a link out, all the time",
    mutant: UNSCOPED,
    isRace: true,
    run: async (site) => {
      site.config.mounts.push(
        ...["/volume/target", "/volume/target", "/volume/target"].map((destination) => ({
          destination,
          type: "tmpfs",
          source: "tmpfs",
        })),
      );
      const mounted = site.watchMounts();
      await race(site);
      return [...site.victimDamage(), ...mounted()];
    },
  },
  {
    name: "paths/directories to be made change places with a link out",
    row: "CVE-2024-45310",
    what: "a process that exchanges a parent of mount points that are still to be made with a link out",
    mutant: UNSCOPED,
    isRace: true,
    run: async (site) => {
      for (const name of ["a/b/c", "d/e", "f"])
        site.config.mounts.push({ destination: `/volume/target/${name}`, type: "tmpfs", source: "tmpfs" });
      const source = "/etc/hostname";
      site.config.mounts.push({ destination: "/volume/target/g/file", type: "bind", source, options: ["bind"] });
      const mounted = site.watchMounts();
      await race(site);
      return [...site.victimDamage(), ...mounted()];
    },
  },
  {
    name: "paths/tmpcopyup of a link out",
    row: "CVE-2019-14271",
    what: "a tmpfs that is to begin with what is below it, at a link to a directory of the host",
    mutant: UNSCOPED,
    run: async (site) => {
      linkOut(site, "copied");
      site.config.mounts.push({ destination: "/copied", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] });
      site.shell("cat /copied/secret");
      const mounted = site.watchMounts();
      const { stdout } = await site.run();
      return [...site.victimDamage(), ...mounted(), ...damageIf(stdout.includes(SECRET), "read a file of the host")];
    },
  },
];

const others: readonly Attack[] = [
  {
    name: "paths/dev is a link out",
    row: "CVE-2026-41579",
    what: "devices and links of /dev, where /dev is a link to a directory of the host",
    run: async (site) => {
      for (const each of ["/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"]) site.withoutMount(each);
      linkOut(site, "dev");
      await site.run();
      return site.victimDamage();
    },
  },
  {
    name: "paths/device below a link out",
    row: "CVE-2026-41579",
    what: "a listed device whose directory is a link to one of the host",
    mutant: UNSCOPED,
    run: async (site) => {
      linkOut(site, "out");
      site.config.linux.devices = [
        { path: "/out/device", type: "c", major: 1, minor: 3, fileMode: 0o666 },
        { path: "/out/below/device", type: "c", major: 1, minor: 3 },
      ];
      await site.run();
      return site.victimDamage();
    },
  },
  {
    name: "paths/working directory below a link out",
    row: "CVE-2024-21626",
    what: "a working directory that is to be made, below a link to a directory of the host",
    mutant: UNSCOPED,
    run: async (site) => {
      linkOut(site, "out");
      site.config.process.cwd = "/out/new";
      site.shell("cat ../secret");
      const { stdout } = await site.run();
      return [...site.victimDamage(), ...damageIf(stdout.includes(SECRET), "read a file of the host")];
    },
  },
  {
    name: "paths/passwd is a link out",
    row: "CVE-2024-5154",
    what: "HOME, where /etc/passwd is a link to a file of the host, or a FIFO that nobody writes to",
    mutant: [
      { file: "lib/linux/native/init.c", from: "O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0)", to: "O_RDONLY, 0)" },
    ],
    run: async (site) => {
      writeFileSync(join(site.victim, "passwd"), "root:x:0:0::/home/of/the/host:/bin/sh\n");
      rmSync(join(site.rootfs, "etc/passwd"));
      symlinkSync(join(site.victim, "passwd"), join(site.rootfs, "etc/passwd"));
      site.shell("echo $HOME");
      const linked = await site.run();
      rmSync(join(site.rootfs, "etc/passwd"));
      await site.spawn(["mkfifo", join(site.rootfs, "etc/passwd")]);
      const fifo = await site.run();
      return [
        ...damageIf(linked.stdout.includes("/home/of/the/host"), "HOME is of the host's passwd"),
        ...damageIf(fifo.status > 128, "waits for a FIFO of the image"),
      ];
    },
  },
];

export const pathAttacks: readonly Attack[] = [...mounts, ...others];
