/** Texts of a config or a command line that mean more than they say. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { chownTree } from "../../harness/rootfs.ts";
import { cgroupsNamed } from "../../harness/workspace.ts";
import { type Attack, damageIf } from "../attack.ts";
import type { AttackSite } from "../attack-site.ts";

const BAD_IDS: readonly string[] = ["../escape", "a/b", "/", ".", "..", "", "a\nb", "a b", "ü", "x".repeat(256)];

/** Sysctls that are the host's, with a name that hides it, or more than one in one. */
const BAD_SYSCTLS: readonly string[] = [
  "kernel.core_pattern",
  "kernel/core_pattern",
  "kernel.shm_rmid_forced/../core_pattern",
  "kernel.shm_rmid_forced\nkernel.core_pattern",
  "kernel.randomize_va_space",
  "vm.overcommit_memory",
  "fs.pipe-max-size",
  "net.ipv4.../../../kernel/core_pattern",
  "net/../kernel/core_pattern",
];

/** What the host has for the last part of a name: a runtime that takes it changes nothing. */
function hostValue(key: string): string {
  const name = key.split(/[./\n]/).at(-1) ?? "";
  const file = ["kernel", "vm", "fs"].map((folder) => `/proc/sys/${folder}/${name}`).find((path) => existsSync(path));
  return file === undefined ? "1" : readFileSync(file, "utf8").trim();
}

async function trySysctl(site: AttackSite, key: string, value: string): Promise<readonly string[]> {
  site.config.linux.sysctl = { [key]: value };
  const { status } = await site.run();
  return damageIf(status === 0, `sysctl ${JSON.stringify(key)} is taken`);
}

/** The names in the cgroup hierarchies' roots, without those of the run itself. */
function topCgroups(site: AttackSite): readonly string[] {
  const tops = readdirSync("/sys/fs/cgroup", { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const [tag = ""] = site.cgroup.split("/").slice(1);
  return tops.flatMap(({ name }) => {
    const folder = join("/sys/fs/cgroup", name);
    return readdirSync(folder)
      .filter((each) => each.startsWith(`escape-${site.id}`) && each !== tag)
      .map((each) => join(folder, each));
  });
}

const ids: readonly Attack[] = [
  {
    name: "input/ids",
    row: "§ 4.1, string hygiene",
    what: `create, state and delete --force with ids such as ${BAD_IDS.slice(0, 6)
      .map((id) => JSON.stringify(id))
      .join(", ")}`,
    mutant: [
      {
        file: "lib/spec/container-id.ts",
        from: 'if (/^[A-Za-z0-9_+.-]+$/.test(text) && text.length <= MAX_ID_CHARS && text !== "." && text !== "..") return text;',
        to: 'if (text !== "?") return text;',
      },
    ],
    run: async (site) => {
      site.write();
      mkdirSync(join(site.folder, "escape"));
      const damage: string[] = [];
      for (const id of BAD_IDS) {
        const { status } = await site.invoke(["create", "--bundle", site.bundle, id]);
        damage.push(...damageIf(status === 0, `create takes the id ${JSON.stringify(id)}`));
        if (status === 0) await site.invoke(["delete", "--force", id]);
      }
      await site.invoke(["delete", "--force", "../escape"]);
      return [
        ...damage,
        ...damageIf(!existsSync(join(site.folder, "escape")), "delete --force removed a directory of the host"),
      ];
    },
  },
  {
    name: "input/cgroups path that climbs",
    row: "§ 4.1, string hygiene",
    what: "linux.cgroupsPath with .. in it: no directory is made outside of the hierarchies",
    mutant: [
      {
        file: "lib/runtime/cgroup-path.ts",
        from: 'return placeCgroups(kernel, normalize(path === "" ? id : path), path.startsWith("/"));',
        to: 'return placeCgroups(kernel, path === "" ? id : path, path.startsWith("/"));',
      },
      {
        file: "lib/spec/rules/linux.ts",
        from: 'if (cgroupsPath === undefined || !cgroupsPath.split("/").includes("..")) return;',
        to: 'if (cgroupsPath !== "?") return;',
      },
    ],
    run: async (site) => {
      // A runtime that fails in it may remove what it takes for its own.
      const out = join(site.victim, "empty");
      const climbs = "/..".repeat(12);
      const damage: string[] = [];
      for (const path of [`${climbs}${out}`, `/${site.cgroup.slice(1)}/x${climbs}${out}`, `..${climbs}${out}`]) {
        site.config.linux.cgroupsPath = path;
        await site.run();
        damage.push(...site.victimDamage());
      }
      for (const each of cgroupsNamed(site.id)) Bun.spawnSync({ cmd: ["rmdir", each] });
      return [...new Set(damage), ...topCgroups(site)];
    },
  },
  {
    name: "input/namespaces and mappings of great length",
    row: "CVE-2021-43784",
    what: "5,000 id mappings, and a namespace path of 70,000 bytes that ends in a real one",
    mutant: [
      {
        file: "lib/plan/user-namespace.ts",
        from: "const text = mappings.map(",
        to: "const text = mappings.slice(0, 300).map(",
      },
      { file: "lib/spec/rules/id-mappings.ts", from: "const MAX_MAPPINGS = 340;", to: "const MAX_MAPPINGS = 34000;" },
    ],
    run: async (site) => {
      const namespaces = site.config.linux.namespaces;
      const path = `${"/.".repeat(35_000)}/proc/self/ns/net`;
      site.config.linux.namespaces = namespaces.map((each) => (each.type === "network" ? { ...each, path } : each));
      const long = await site.run();
      site.config.linux.namespaces = [...namespaces, { type: "user" }];
      const mappings = Array.from({ length: 5_000 }, (_, id) => ({ containerID: id, hostID: 100_000 + id, size: 1 }));
      chownTree(site.rootfs, 100_000);
      site.config.linux.uidMappings = mappings;
      site.config.linux.gidMappings = mappings;
      site.shell("cat /proc/self/uid_map | wc -l");
      const mapped = await site.run();
      return [
        ...damageIf(long.status === 0, "a namespace path beyond PATH_MAX is taken"),
        ...damageIf(mapped.status === 0 && mapped.stdout.trim() !== "5000", `${mapped.stdout.trim()} mappings of 5000`),
      ];
    },
  },
];

const texts: readonly Attack[] = [
  {
    name: "input/sysctls of the host",
    row: "cri-o CVE-2022-0811",
    what: `sysctls such as ${BAD_SYSCTLS.slice(0, 4)
      .map((key) => JSON.stringify(key))
      .join(", ")}`,
    mutant: [
      {
        file: "lib/spec/rules/sysctl.ts",
        from: "if (problem !== undefined) report(",
        to: 'if (problem === "?") report(',
      },
    ],
    run: async (site) => {
      const damage: string[] = [];
      for (const key of BAD_SYSCTLS) damage.push(...(await trySysctl(site, key, hostValue(key))));
      return damage;
    },
  },
  {
    name: "input/sysctls of a shared namespace",
    row: "cri-o CVE-2022-0532",
    what: "net, IPC and UTS sysctls without a namespace of that type, or with the host's by its path",
    mutant: [
      {
        file: "lib/spec/rules/sysctl.ts",
        from: "if (hasNamespace(config, type)) return undefined;",
        to: "if (type) return undefined;",
      },
    ],
    run: async (site) => {
      const all = site.config.linux.namespaces;
      const damage: string[] = [];
      for (const [type, key, value] of [
        ["network", "net.ipv4.ip_default_ttl", readFileSync("/proc/sys/net/ipv4/ip_default_ttl", "utf8").trim()],
        ["ipc", "kernel.msgmax", readFileSync("/proc/sys/kernel/msgmax", "utf8").trim()],
        ["uts", "kernel.domainname", readFileSync("/proc/sys/kernel/domainname", "utf8").trim()],
      ] as const) {
        site.config.linux.namespaces = all.filter((each) => each.type !== type);
        if (type === "uts") delete site.config.hostname;
        damage.push(...(await trySysctl(site, key, value)));
      }
      return damage;
    },
  },
  {
    name: "input/arguments with NUL",
    row: "§ 4.1, string hygiene",
    what: "NUL in an argument, a variable, a path or a hostname: what is checked is not what is used",
    mutant: [
      {
        file: "lib/spec/schema/defs.json",
        from: '"pattern": "^[^\\\\u0000]*$"',
        to: '"pattern": "^[^]*$"',
      },
    ],
    run: async (site) => {
      const damage: string[] = [];
      for (const property of ["args", "env", "cwd", "destination"]) {
        const config = structuredClone(site.config);
        if (property === "args") site.config.process.args = ["/bin/echo", "checked\0used"];
        if (property === "env") site.config.process.env.push("NAME=checked\0used");
        if (property === "cwd") site.config.process.cwd = "/tmp\0/used";
        if (property === "destination") site.config.mounts.push({ destination: "/tmp\0/used", type: "tmpfs" });
        const { status } = await site.run();
        Object.assign(site.config, config);
        damage.push(...damageIf(status === 0, `a NUL in ${property} is taken`));
      }
      return damage;
    },
  },
  {
    name: "input/HOME with a line of passwd",
    row: "cri-o CVE-2022-4318",
    what: "a HOME with a newline and a line of passwd in it leaves the image's passwd as it is",
    mutant: [
      {
        file: "lib/plan/executable.ts",
        from: "const env = distinct(process.env ?? []);",
        to: 'const env = distinct((process.env ?? []).flatMap((entry) => entry.split("\\n")));',
      },
    ],
    run: async (site) => {
      const path = join(site.rootfs, "etc/passwd");
      const before = readFileSync(path, "utf8");
      site.config.process.env.push("HOME=/\nintruder:x:0:0::/:/bin/sh");
      site.shell('[ "$HOME" = "/\nintruder:x:0:0::/:/bin/sh" ] && echo same; true');
      const { status, stdout } = await site.run();
      return [
        ...damageIf(readFileSync(path, "utf8") !== before, "the image's passwd is changed"),
        ...damageIf(status === 0 && stdout.trim() !== "same", "HOME is something else"),
      ];
    },
  },
];

export const inputAttacks: readonly Attack[] = [...ids, ...texts];
