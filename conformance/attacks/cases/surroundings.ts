/** What is around a container: hooks, cgroups, state on the disk, sockets. */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Attack, damageIf } from "../attack.ts";
import { type AttackSite, READ_STATE } from "../attack-site.ts";

const HOOK_KINDS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const;
const GIVEN = "GIVEN=by-the-config";

/** Hooks of every kind that write down their environment; startContainer runs in the container. */
function watchHooks(site: AttackSite): () => readonly (readonly [kind: string, env: readonly string[]])[] {
  mkdirSync(join(site.rootfs, "seen"));
  const place = (kind: string) => (kind === "startContainer" ? "/seen" : site.scratch);
  site.config.hooks = Object.fromEntries(
    HOOK_KINDS.map((kind) => {
      const args = ["sh", "-c", `${READ_STATE}; env > ${place(kind)}/hook-${kind}`];
      return [kind, [{ path: "/bin/sh", args, env: ["PATH=/usr/bin:/bin", GIVEN] }]];
    }),
  );
  return () =>
    HOOK_KINDS.map((kind) => {
      const folder = kind === "startContainer" ? join(site.rootfs, "seen") : site.scratch;
      const env = readFileSync(join(folder, `hook-${kind}`), "utf8").split("\n");
      return [kind, env.filter((line) => line !== "")];
    });
}

/** Makes a hook of each kind that runs on the host write down its umask. */
function watchUmasks(site: AttackSite): () => readonly (readonly [kind: string, umask: string])[] {
  const kinds = HOOK_KINDS.filter((kind) => kind !== "startContainer");
  const file = (kind: string) => join(site.scratch, `umask-${kind}`);
  site.config.hooks = Object.fromEntries(
    kinds.map((kind) => [
      kind,
      [{ path: "/bin/sh", args: ["sh", "-c", `${READ_STATE}; umask > ${file(kind)}`], env: [] }],
    ]),
  );
  return () => kinds.map((kind) => [kind, readFileSync(file(kind), "utf8").trim()]);
}

/** Writes to whatever there is below the mounted hierarchies. */
const WRITE_CGROUPS = `
for file in $(find /sys/fs/cgroup -name cgroup.procs -o -name tasks -o -name release_agent 2>/dev/null); do
  { echo 0 > $file; } 2>/dev/null && echo "wrote to $file"
done; true`;

export const surroundingsAttacks: readonly Attack[] = [
  {
    name: "surroundings/environment of hooks",
    row: "CVE-2024-0132, NVIDIA CVE-2025-23266",
    what: "hooks get the variables that are listed for them, none of the container's and none of the caller's",
    mutant: [
      {
        file: "lib/runtime/hooks.ts",
        from: "env: environment(hook.env ?? []),",
        to: "env: { ...process.env, ...environment(hook.env ?? []) },",
      },
    ],
    run: async (site) => {
      const seen = watchHooks(site);
      site.config.process.env.push("LD_PRELOAD=/of/the/container.so");
      site.write();
      const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", OF_THE_CALLER: "1" };
      const { status, stderr } = await site.invoke(["run", "--bundle", site.bundle, site.id], { env });
      await site.remove();
      if (status !== 0) throw new Error(stderr);
      return seen().flatMap(([kind, variables]) => [
        ...damageIf(!variables.includes(GIVEN), `${kind} lacks what it is to have: ${variables.join(" ")}`),
        ...variables.filter((each) => /^(LD_PRELOAD|OF_THE_CALLER)=/.test(each)).map((each) => `${kind} has ${each}`),
      ]);
    },
  },
  {
    name: "surroundings/environment of hooks without one",
    row: "NVIDIA CVE-2025-23266",
    what: "hooks for which no variables are listed have none",
    mutant: [
      {
        file: "lib/runtime/hooks.ts",
        from: "env: environment(hook.env ?? []),",
        to: "...(hook.env === undefined ? {} : { env: environment(hook.env) }),",
      },
    ],
    run: async (site) => {
      const file = join(site.scratch, "environ");
      const args = ["bash", "-c", `${READ_STATE}; /bin/cat /proc/$$/environ > ${file}`];
      site.config.hooks = { createRuntime: [{ path: "/bin/bash", args }] };
      site.write();
      const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", OF_THE_CALLER: "1" };
      await site.invoke(["run", "--bundle", site.bundle, site.id], { env });
      await site.remove();
      const seen = readFileSync(file, "utf8")
        .split("\0")
        .filter((each) => each !== "");
      return seen.filter((each) => each.startsWith("OF_THE_CALLER=")).map((each) => `it has ${each}`);
    },
  },
  {
    name: "surroundings/umask of hooks",
    row: "containerd CVE-2021-41103",
    what: "hooks that run on the host make files that are no more open than the caller's",
    mutant: [
      {
        file: "lib/plan/compile.ts",
        from: "[enterForHooks(), ...withCallerUmask(createContainer)]",
        to: "[enterForHooks(), ...(withCallerUmask([]).length > 0 ? createContainer : [])]",
      },
    ],
    run: async (site) => {
      const seen = watchUmasks(site);
      site.write();
      const words = site.command("run", "--bundle", site.bundle, site.id);
      const { status, stderr } = await site.spawn(["sh", "-c", 'umask 0027; exec "$@"', "sh", ...words]);
      await site.remove();
      if (status !== 0) throw new Error(stderr);
      return seen().flatMap(([kind, umask]) => damageIf(umask !== "0027", `the umask of ${kind} is ${umask}`));
    },
  },
  {
    name: "surroundings/cgroups that are to be read only",
    row: "CVE-2022-0492, CVE-2023-25809",
    what: "root, with the hierarchies mounted read-only, writes to tasks, cgroup.procs and release_agent",
    mutant: [
      {
        file: "lib/plan/cgroup-mount.ts",
        from: 'return shown.mode === "v2" ? compileV2(planned, shown, ownNamespace) : compileV1(planned, shown, ownNamespace);',
        to: 'const open = { ...planned, options: { ...planned.options, set: 0 } };\n  return shown.mode === "v2" ? compileV2(open, shown, ownNamespace) : compileV1(open, shown, ownNamespace);',
      },
    ],
    run: async (site) => {
      const options = ["nosuid", "noexec", "nodev", "relatime", "ro"];
      site.config.mounts.push({ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options });
      const damage: string[] = [];
      for (const own of [false, true]) {
        if (own) site.config.linux.namespaces = [...site.config.linux.namespaces, { type: "cgroup" }];
        site.shell(WRITE_CGROUPS);
        const { status, stdout, stderr } = await site.run();
        if (status !== 0) throw new Error(stderr);
        damage.push(
          ...stdout
            .split("\n")
            .filter((line) => line !== "")
            .slice(0, 3),
        );
      }
      return damage;
    },
  },
  {
    name: "surroundings/state on the disk",
    row: "containerd CVE-2021-41103",
    what: "the state root and a container's directory are closed to other users",
    mutant: [
      { file: "lib/runtime/container-store.ts", from: "const ROOT_MODE = 0o700;", to: "const ROOT_MODE = 0o755;" },
    ],
    run: async (site) => {
      const { status, stderr } = await site.create();
      if (status !== 0) throw new Error(stderr);
      const inside = readdirSync(site.root, { recursive: true }).map((name) => join(site.root, String(name)));
      const permissions = (path: string) => statSync(path).mode.toString(8).slice(-3);
      const root = permissions(site.root);
      // Of a socket or a FIFO it is the directory that is closed.
      const files = inside.filter((path) => statSync(path).isFile() || statSync(path).isDirectory());
      const writable = files.filter((path) => /[2367]/.test(permissions(path).slice(1)));
      await site.remove();
      return [
        ...damageIf(!root.endsWith("00"), `others can enter the state root (${root})`),
        ...writable.map((path) => `others can write to ${path}`),
      ];
    },
  },
  {
    name: "surroundings/abstract sockets",
    row: "containerd CVE-2020-15257",
    what: "no process of a created container listens on an abstract socket, which the network namespace alone would guard",
    mutant: [
      {
        file: "lib/linux/socket.ts",
        from: 'SEQPACKET, 0);\n  checkedCall(kernel, doing, "bind",',
        to: 'SEQPACKET, 0);\n  address.fill(0, 2).set(new TextEncoder().encode("tsrun"), 3);\n  checkedCall(kernel, doing, "bind",',
      },
    ],
    run: async (site) => {
      const { status, stderr } = await site.create();
      if (status !== 0) throw new Error(stderr);
      const pid = await site.initPid();
      const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      const inodes = links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]).filter((inode) => inode !== undefined);
      const lines = readFileSync("/proc/net/unix", "utf8")
        .split("\n")
        .map((line) => line.split(/\s+/));
      await site.remove();
      const abstract = lines.filter(
        ([, , , , , , inode = "", path = ""]) => inodes.includes(inode) && path.startsWith("@"),
      );
      return abstract.map((line) => `listens on ${line.at(-1)}`);
    },
  },
];
