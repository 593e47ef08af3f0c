/** What is written to /proc, and what must not be read from it. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MASKED_PATHS, READONLY_PATHS } from "../../harness/config.ts";
import { type Attack, damageIf } from "../attack.ts";
import type { AttackSite } from "../attack-site.ts";

const FAKE_DOMAIN = "of-the-image";
const WANTED_DOMAIN = "of-the-config";

/** Prints the masked paths that say something, and the read-only ones that can be written. */
const PROBE_PATHS = `
for path in ${MASKED_PATHS.join(" ")}; do
  if [ -d $path ]; then [ -z "$(ls -A $path)" ] || echo "$path is not masked"
  elif [ -e $path ]; then [ -z "$(head -c 1 $path 2>/dev/null)" ] || echo "$path is not masked"; fi
done
for path in ${READONLY_PATHS.join(" ")}; do
  for file in $(find $path -type f -perm -200 2>/dev/null | head -n 20); do
    { true >> $file; } 2>/dev/null && echo "$path is not read-only"
  done
done
true`;

/** Where a container has procfs, as its own mount table says. */
const PROBE_PROC = `while read -r line; do case $line in *" - proc "*) set -- $line; echo "procfs at $5";; esac
done < /proc/self/mountinfo`;

function damageLines(stdout: string): readonly string[] {
  return stdout.split("\n").filter((line) => line !== "");
}

/** Mounts in /proc, where a text that is written would land in what somebody else has put there. */
const INSIDE_PROC = [
  "/proc/self",
  "/proc/1/attr",
  "/proc/sys/kernel",
  "/proc/./sys/net",
  "/proc//sys",
  "/x/../proc/sys",
];

async function tryMountInside(site: AttackSite, destination: string): Promise<readonly string[]> {
  const mounts = site.config.mounts;
  site.config.mounts = [...mounts, { destination, type: "tmpfs", source: "tmpfs" }];
  const { status } = await site.run();
  site.config.mounts = mounts;
  return damageIf(status === 0, `a tmpfs is mounted at ${destination}`);
}

export const procAttacks: readonly Attack[] = [
  {
    name: "proc/is a link of the image",
    row: "CVE-2023-27561, CVE-2019-19921",
    what: "/proc of the rootfs is a link: procfs has to be at /proc, or nowhere",
    mutant: [{ file: "lib/plan/mounts.ts", from: "noSymlinks: true }", to: "noSymlinks: false }" }],
    run: async (site) => {
      rmSync(join(site.rootfs, "proc"), { recursive: true });
      mkdirSync(join(site.rootfs, "elsewhere"));
      symlinkSync("/elsewhere", join(site.rootfs, "proc"));
      site.shell(PROBE_PROC);
      const { stdout } = await site.run();
      return damageLines(stdout).filter((line) => line !== "procfs at /proc");
    },
  },
  {
    name: "proc/masked and read-only paths",
    row: "config-linux.md § Masked Paths",
    what: "root of the container reads masked paths and writes to read-only ones",
    mutant: [
      {
        file: "lib/plan/paths.ts",
        from: "export function compileReadonlyPaths(paths: readonly string[]): readonly Step[] {",
        to: "export function compileReadonlyPaths(paths: readonly string[]): readonly Step[] {\n  if (paths.length > 0) return [];",
      },
    ],
    run: async (site) => {
      site.shell(PROBE_PATHS);
      const { status, stdout, stderr } = await site.run();
      if (status !== 0) throw new Error(stderr);
      return damageLines(stdout);
    },
  },
  {
    name: "proc/mounts inside",
    row: "CVE-2019-16884, CVE-2025-52881",
    what: `a tmpfs at ${INSIDE_PROC.join(", ")}`,
    mutant: [
      {
        file: "lib/plan/mounts.ts",
        from: 'if (destination.startsWith("/proc/") &&',
        to: 'if (destination === "?" &&',
      },
      {
        file: "lib/plan/mounts.ts",
        from: "if (PROC_TARGETS.has(destination)) return [];",
        to: "if (PROC_TARGETS.size > 0) return [];",
      },
    ],
    run: async (site) => {
      const damage: string[] = [];
      for (const destination of INSIDE_PROC) damage.push(...(await tryMountInside(site, destination)));
      return damage;
    },
  },
  {
    name: "proc/sysctl into a /proc of the image",
    row: "CVE-2025-52881, CVE-2019-16884",
    what: "a volume over /proc with a file where a sysctl is: the write must not land there",
    mutant: [
      {
        file: "lib/plan/sysctl.ts",
        from: '...(isLimited ? allOrElse(fresh, ["EPERM"], openMounted(open)) : fresh),',
        to: '...(isLimited || fresh.length === 0 ? [] : [openInRoot({ path: "/proc", into: "proc" }, open)]),',
      },
      {
        file: "lib/plan/mounts.ts",
        from: '...(destination === "/proc" ? [checkFilesystem(tree,',
        to: '...(destination === "?" ? [checkFilesystem(tree,',
      },
    ],
    run: async (site) => {
      const fake = join(site.folder, "fake");
      mkdirSync(join(fake, "sys/kernel"), { recursive: true });
      const file = join(fake, "sys/kernel/domainname");
      writeFileSync(file, FAKE_DOMAIN);
      site.config.mounts = site.config.mounts.map((mount) =>
        mount.destination === "/proc" ? { ...mount, type: "bind", source: fake, options: ["bind"] } : mount,
      );
      delete site.config.linux.maskedPaths;
      delete site.config.linux.readonlyPaths;
      site.config.linux.sysctl = { "kernel.domainname": WANTED_DOMAIN };
      await site.run();
      return damageIf(readFileSync(file, "utf8") !== FAKE_DOMAIN, "the file of the volume was written to");
    },
  },
  {
    name: "proc/label that nobody enforces",
    row: "Apptainer CVE-2025-64750, CVE-2019-16884",
    what: "an AppArmor profile and an SELinux label on a kernel that has neither",
    mutant: [
      {
        file: "lib/plan/labels.ts",
        from: "const { apparmorProfile, selinuxLabel } = process ?? {};",
        to: "const [apparmorProfile, selinuxLabel]: (string | undefined)[] = process ? [] : [];",
      },
      {
        file: "lib/plan/labels.ts",
        from: "readonly Step[] {\n  return [\n    ...(apparmorProfile === undefined ?",
        to: "readonly Step[] {\n  if (apparmorProfile !== selinuxLabel) return [];\n  return [\n    ...(apparmorProfile === undefined ?",
      },
      {
        file: "lib/plan/labels.ts",
        from: "if (selinuxLabel === undefined) return steps;",
        to: 'if (selinuxLabel !== "?") return steps;',
      },
    ],
    run: async (site) => {
      site.config.process["apparmorProfile"] = "no-such-profile-of-tsrun";
      const profile = await site.run();
      delete site.config.process["apparmorProfile"];
      site.config.process["selinuxLabel"] = "system_u:system_r:no_such_type_t:s0";
      const label = await site.run();
      return [
        ...damageIf(profile.status === 0, "runs without the AppArmor profile it is to have"),
        ...damageIf(label.status === 0, "runs without the SELinux label it is to have"),
      ];
    },
  },
  {
    name: "proc/power meter in the default config",
    row: "RAPL side channel (GHSA-7ww5-4wqc-m92c)",
    what: "`spec` writes a config in which /sys/devices/virtual/powercap is masked",
    run: async (site) => {
      const folder = join(site.folder, "spec");
      mkdirSync(folder);
      const { status, stderr } = await site.invoke(["spec"], { cwd: folder });
      if (status !== 0) throw new Error(stderr);
      const config: unknown = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
      return damageIf(!JSON.stringify(config).includes('"/sys/devices/virtual/powercap"'), "it is not masked");
    },
  },
];
