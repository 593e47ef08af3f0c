/** What an image puts in the place of a device, and devices that nobody allowed. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Attack, damageIf } from "../attack.ts";
import type { AttackSite } from "../attack-site.ts";

const BAIT = "what the image has there";

/** The exit status of a program that has found its masked file to be something else than the null device. */
const NOT_NULL = 42;

/** Something that is not the null device, to be put in its place. */
interface Impostor {
  readonly name: string;
  readonly make: (site: AttackSite, path: string) => Promise<void> | void;
}

const IMPOSTORS: readonly Impostor[] = [
  { name: "a link to a file", make: (_, path) => symlinkSync("/etc/bait", path) },
  { name: "a link to a sysctl", make: (_, path) => symlinkSync("/proc/sys/kernel/domainname", path) },
  { name: "a file", make: (_, path) => writeFileSync(path, BAIT) },
  { name: "another device", make: async (site, path) => void (await site.spawn(["mknod", path, "c", "1", "5"])) },
  { name: "a FIFO", make: async (site, path) => void (await site.spawn(["mkfifo", path])) },
  { name: "a directory", make: (_, path) => mkdirSync(path) },
];

/** A container whose /dev is the image's own. */
function useOwnDev(site: AttackSite): void {
  for (const each of ["/dev", "/dev/shm", "/dev/mqueue"]) site.withoutMount(each);
  mkdirSync(join(site.rootfs, "dev/pts"), { recursive: true });
  writeFileSync(join(site.rootfs, "etc/bait"), BAIT);
  writeFileSync(join(site.rootfs, "etc/masked"), "masked");
}

/** The container runs, and what is covered by the null device must read as nothing and take what is written. */
async function tryImpostor(site: AttackSite, { name, make }: Impostor): Promise<readonly string[]> {
  const path = join(site.rootfs, "dev/null");
  rmSync(path, { recursive: true, force: true });
  await make(site, path);
  const { status } = await site.run();
  return [
    ...damageIf(status === NOT_NULL, `with ${name} for /dev/null a masked path is not the null device`),
    ...damageIf(status > 128, `with ${name} for /dev/null it hangs`),
  ];
}

export const deviceAttacks: readonly Attack[] = [
  {
    name: "devices/null is something else",
    row: "CVE-2025-31133, youki CVE-2025-62161",
    what: `in the place of /dev/null, which covers masked files, ${IMPOSTORS.map(({ name }) => name).join(", ")}`,
    run: async (site) => {
      useOwnDev(site);
      site.config.linux.maskedPaths = ["/etc/masked"];
      // By its status: what it prints may go where the image wants it.
      site.shell(`[ "$(stat -c %t:%T /etc/masked)" = 1:3 ] || exit ${NOT_NULL}`);
      const damage: string[] = [];
      for (const impostor of IMPOSTORS) damage.push(...(await tryImpostor(site, impostor)));
      return damage;
    },
  },
  {
    name: "devices/console is a link",
    row: "CVE-2025-52565",
    what: "/dev/console of the image is a link to a file of it, which is to be a terminal then",
    run: async (site) => {
      useOwnDev(site);
      symlinkSync("/etc/bait", join(site.rootfs, "dev/console"));
      site.config.process.terminal = true;
      const path = join(site.folder, "console.sock");
      using listener = Bun.listen({ unix: path, socket: { data: () => undefined } });
      const { status } = await site.create("--console-socket", path);
      listener.stop(true);
      const mounts = status === 0 ? readFileSync(`/proc/${await site.initPid()}/mountinfo`, "utf8") : "";
      await site.remove();
      return [
        ...damageIf(mounts.includes(" /etc/bait "), "the terminal is mounted on a file that the image chose"),
        ...damageIf(
          readFileSync(join(site.rootfs, "etc/bait"), "utf8") !== BAIT,
          "a file that the image chose is changed",
        ),
      ];
    },
  },
  {
    name: "devices/without a rule",
    row: "GHSA-g54h-m393-cpwq",
    what: "a container whose config has no device rules makes a block device and opens it",
    mutant: [{ file: "lib/plan/cgroup/v1.ts", from: 'file("deny", "a", "")', to: 'file("allow", "a", "")' }],
    run: async (site) => {
      site.config.linux.resources = {};
      const sets = ["bounding", "effective", "permitted"];
      site.config.process.capabilities = Object.fromEntries(sets.map((set) => [set, ["CAP_MKNOD", "CAP_SYS_ADMIN"]]));
      // Where it is allowed it is opened, or there is no such device.
      site.shell("mknod /node b 7 0 || exit 7; head -c 1 /node 2>&1 | grep -q 'Operation not permitted' || echo open");
      const { status, stdout, stderr } = await site.run();
      if (status === 7) throw new Error(`cannot make a node: ${stderr}`);
      return damageIf(stdout.includes("open"), "opened a block device of the host");
    },
  },
];
