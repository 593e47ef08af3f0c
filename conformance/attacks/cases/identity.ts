/** Who a container's processes are, and what they may. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Attack, damageIf } from "../attack.ts";
import type { AttackSite } from "../attack-site.ts";

/** Users that are none; what they are taken for is told by `id -u`. */
const BAD_USERS = [
  "abc",
  "-1",
  "4294967295",
  "4294967296",
  "1:4294967296",
  ":5",
  "1:",
  "0x0",
  " 0",
  "1:2:3",
  "1e3",
  "+1",
];

async function idOf(site: AttackSite, user: string): Promise<string> {
  const { status, stdout } = await site.invoke(["exec", "--user", user, site.id, "/bin/sh", "-c", "id -u; id -g"]);
  return status === 0 ? stdout.trim().replace("\n", ":") : "";
}

export const identityAttacks: readonly Attack[] = [
  {
    name: "identity/number that is a name",
    row: "CVE-2016-3697",
    what: "the image's passwd gives the name 1000 to root; user 1000 must be user 1000",
    mutant: [
      {
        file: "lib/plan/credentials.ts",
        from: 'call: "setresuid", args: [uid, uid, uid]',
        to: 'call: "setresuid", args: [0, 0, 0]',
      },
    ],
    run: async (site) => {
      writeFileSync(join(site.rootfs, "etc/passwd"), "1000:x:0:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n");
      site.config.process.user = { uid: 1000, gid: 1000 };
      site.shell("id -u");
      const ran = await site.run();
      await site.runDetached(["/bin/sleep", "1000"]);
      const exec = await idOf(site, "1000");
      await site.remove();
      return [
        ...damageIf(ran.stdout.trim() !== "1000", `run: is user ${ran.stdout.trim()}`),
        ...damageIf(!exec.startsWith("1000:"), `exec: is user ${exec}`),
      ];
    },
  },
  {
    name: "identity/user of exec that is none",
    row: "crun CVE-2026-30892",
    what: `exec --user ${BAD_USERS.map((user) => JSON.stringify(user)).join(", ")}; and 1, 1:2 as they are meant`,
    mutant: [
      {
        file: "lib/runtime/exec-process.ts",
        from: "const id = /^\\d{1,10}$/.test(text) ? Number(text) : Number.NaN;",
        to: "const id = Number.parseInt(text) || 0;",
      },
    ],
    run: async (site) => {
      await site.runDetached(["/bin/sleep", "1000"]);
      const damage: string[] = [];
      for (const user of BAD_USERS) {
        const id = await idOf(site, user);
        damage.push(...damageIf(id !== "", `${JSON.stringify(user)} is taken for ${id}`));
      }
      for (const [user, wanted] of [
        ["1", "1:0"],
        ["1:2", "1:2"],
      ] as const) {
        const id = await idOf(site, user);
        damage.push(...damageIf(id !== wanted, `${user} is taken for ${id}`));
      }
      await site.remove();
      return damage;
    },
  },
  {
    name: "identity/user that is no number",
    row: "containerd CVE-2024-40635",
    what: "a uid, gid or additional gid of -1, 2^32-1, 2^32 or 0.5 is refused",
    mutant: [
      {
        file: "lib/spec/schema/defs.json",
        from: '"maximum": 4294967294,',
        to: '"maximum": 9007199254740991,',
      },
    ],
    run: async (site) => {
      const damage: string[] = [];
      for (const id of [-1, 2 ** 32 - 1, 2 ** 32, 0.5]) {
        for (const user of [
          { uid: id, gid: 1 },
          { uid: 1, gid: id },
          { uid: 1, gid: 1, additionalGids: [id] },
        ]) {
          site.config.process.user = user;
          site.shell("id -u; id -G");
          const { status, stdout } = await site.run();
          damage.push(...damageIf(status === 0, `${JSON.stringify(user)} is ${stdout.trim().replace("\n", ":")}`));
        }
      }
      return damage;
    },
  },
  {
    name: "identity/groups of the caller",
    row: "CVE-2022-2989, containerd CVE-2023-25173",
    what: "the caller's additional groups do not come along, in run and in exec",
    mutant: [
      {
        file: "lib/plan/credentials.ts",
        from: 'if (policy === "denied" || policy === "kept") return [];',
        to: "if (gids.length === 0) return [];",
      },
    ],
    run: async (site) => {
      const withGroups = (words: readonly string[]) =>
        site.spawn(["setpriv", "--groups", "4242", "--", ...site.command(...words)]);
      site.shell("id -G");
      site.write();
      const ran = await withGroups(["run", "--bundle", site.bundle, site.id]);
      await site.runDetached(["/bin/sleep", "1000"]);
      const exec = await withGroups(["exec", site.id, "id", "-G"]);
      await site.remove();
      if (ran.status !== 0 || exec.status !== 0) throw new Error(`${ran.stderr}${exec.stderr}`);
      return [
        ...damageIf(ran.stdout.includes("4242"), "run keeps the caller's groups"),
        ...damageIf(exec.stdout.includes("4242"), "exec keeps the caller's groups"),
      ];
    },
  },
  {
    name: "identity/inheritable capabilities",
    row: "CVE-2022-29162, youki CVE-2025-27612",
    what: "CapInh of a program of run, and of exec --cap, is empty",
    mutant: [
      {
        file: "lib/runtime/exec-process.ts",
        from: "    permitted: add(capabilities.permitted),",
        to: "    permitted: add(capabilities.permitted),\n    inheritable: add(capabilities.permitted),",
      },
    ],
    run: async (site) => {
      const script = "grep CapInh /proc/self/status";
      site.shell(script);
      const ran = await site.run();
      await site.runDetached(["/bin/sleep", "1000"]);
      const words = ["exec", "--cap", "CAP_CHOWN", site.id, "/bin/sh", "-c", script];
      const exec = await site.invoke(words);
      await site.remove();
      if (ran.status !== 0 || exec.status !== 0) throw new Error(`${ran.stderr}${exec.stderr}`);
      return [
        ...damageIf(!/:\s0{16}$/m.test(ran.stdout), `run: ${ran.stdout.trim()}`),
        ...damageIf(!/:\s0{16}$/m.test(exec.stdout), `exec --cap: ${exec.stdout.trim()}`),
      ];
    },
  },
  {
    name: "identity/filter that is not there",
    row: "§ 4.1, error if not enforced",
    what: "with a seccomp profile a program runs under its filter, in run and in exec",
    mutant: [
      {
        file: "lib/plan/become.ts",
        from: "const load = seccomp === undefined || filter === undefined ? [] : compileSeccomp(seccomp, filter);",
        to: "const load: Step[] = seccomp === undefined || filter === undefined || compileSeccomp(seccomp, filter) ? [] : [];",
      },
    ],
    run: async (site) => {
      const script = "grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status; chmod 700 /tmp && echo changed";
      site.config.linux.seccomp = {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["chmod", "fchmodat", "fchmodat2"], action: "SCMP_ACT_ERRNO", errnoRet: 1 }],
      };
      site.shell(script);
      const ran = await site.run();
      await site.runDetached(["/bin/sleep", "1000"]);
      const exec = await site.invoke(["exec", site.id, "/bin/sh", "-c", script]);
      await site.remove();
      return [ran, exec].flatMap(({ stdout }, index) =>
        damageIf(
          !/Seccomp:\s2/.test(stdout) || stdout.includes("changed"),
          `${index === 0 ? "run" : "exec"}: ${stdout.trim()}`,
        ),
      );
    },
  },
];
