/** Processes of the runtime as a container can see them. */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../../harness/poll.ts";
import type { Outcome } from "../../harness/process.ts";
import { type Attack, damageIf } from "../attack.ts";
import type { AttackSite } from "../attack-site.ts";

/** How long something may take on a busy machine. */
const START_MS = 60_000;
/** How often somebody comes in while the container watches. */
const EXECS = 12;
/** Each is a call that a joining process makes when it has the container's credentials already: there is time to look. */
const PATH_ENTRIES = 1500;

const LONG_PATH = Array.from({ length: PATH_ENTRIES }, (_, index) => `/nowhere/${index}`).join(":");

const ALL_BUT_TRACING: readonly string[] =
  "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT MKNOD AUDIT_WRITE"
    .split(" ")
    .map((name) => `CAP_${name}`);

function grant(site: AttackSite, names: readonly string[]): void {
  site.config.process.capabilities = Object.fromEntries(
    ["bounding", "effective", "permitted"].map((set) => [set, [...names]]),
  );
}

/** Runs the intruder as the container's program while processes come in; gives what it has seen. */
async function besiege(site: AttackSite, ...words: readonly string[]): Promise<readonly string[]> {
  copyFileSync(site.intruder, join(site.rootfs, "bin/intruder"));
  site.config.process.args = ["/bin/sh", "-c", `exec /bin/intruder ${words.join(" ")} > /report`];
  site.write();
  const report = join(site.rootfs, "report");
  const started = await site.invoke(["run", "--detach", "--bundle", site.bundle, site.id]);
  if (started.status !== 0) throw new Error(started.stderr);
  const says = (word: string) => existsSync(report) && readFileSync(report, "utf8").includes(word);
  await waitUntil("watching intruder", () => says("watching"), START_MS);
  for (let round = 0; round < EXECS; round++) {
    const { status, stderr } = await enter(site);
    if (status !== 0) throw new Error(stderr);
  }
  await site.invoke(["kill", site.id, "TERM"]);
  await waitUntil("end of the intruder", () => says("done"), START_MS);
  await site.remove();
  return [...new Set(readFileSync(report, "utf8").split("\n"))].filter(
    (line) => !["", "watching", "done"].includes(line),
  );
}

/** One exec. Where the intruder has got as far as the runtime's own file, and no further, it is busy for a moment. */
async function enter(site: AttackSite): Promise<Outcome> {
  for (;;) {
    try {
      return await site.invoke(["exec", "--env", `PATH=${LONG_PATH}:/bin`, site.id, "true"]);
    } catch (error) {
      if (!(error instanceof Error) || !("code" in error) || error.code !== "ETXTBSY") throw error;
    }
  }
}

function digestOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

export const processAttacks: readonly Attack[] = [
  {
    name: "processes/tracing who joins",
    row: "CVE-2016-9962",
    what: "a root process of the container looks at exec's: its descriptors, its executable, by ptrace",
    mutant: [
      {
        file: "lib/plan/process.ts",
        from: 'return [tieDeath(), prctl("PR_SET_DUMPABLE", [0], { doing: "forbid tracing", from: "" })];',
        to: "return [tieDeath()];",
      },
    ],
    run: async (site) => {
      grant(site, ALL_BUT_TRACING);
      return await besiege(site, "watch", "/bin/busybox");
    },
  },
  {
    name: "processes/overwriting who joins",
    row: "CVE-2019-5736",
    what: "a process that may trace keeps /proc/PID/exe of exec's and writes to it when they have ended",
    mutant: [
      {
        file: "lib/linux/memfd.ts",
        from: "  sealMemfd(kernel, file);\n  return file.move();",
        to: "  return file.move();",
      },
    ],
    run: async (site) => {
      grant(site, [...ALL_BUT_TRACING, "CAP_SYS_PTRACE", "CAP_SYS_ADMIN", "CAP_DAC_READ_SEARCH"]);
      const before = digestOf(site.runtime.path);
      const damage = await besiege(site, "overwrite");
      return [...damage, ...damageIf(digestOf(site.runtime.path) !== before, "the runtime's own file is changed")];
    },
  },
  {
    name: "processes/program is /proc/self/exe",
    row: "CVE-2019-5736",
    what: "an image whose program, or the interpreter of it, is the executable of whoever runs it",
    mutant: [
      {
        file: "lib/linux/memfd.ts",
        from: "  sealMemfd(kernel, file);\n  return file.move();",
        to: "  return file.move();",
      },
    ],
    run: async (site) => {
      symlinkSync("/proc/self/exe", join(site.rootfs, "bin/self"));
      writeFileSync(join(site.rootfs, "bin/script"), "#!/proc/self/exe\n", { mode: 0o755 });
      grant(site, [...ALL_BUT_TRACING, "CAP_SYS_PTRACE", "CAP_SYS_ADMIN"]);
      const before = digestOf(site.runtime.path);
      const damage: string[] = [];
      for (const program of ["/bin/self", "/bin/script", "/proc/self/exe", "/proc/1/exe"]) {
        site.config.process.args = [program, "--version"];
        const { stdout } = await site.run();
        damage.push(...damageIf(/version/.test(stdout), `${program} runs the runtime in the container`));
      }
      damage.push(...damageIf(digestOf(site.runtime.path) !== before, "the runtime's own file is changed"));
      return [...damage, ...(await besiege(site, "overwrite"))];
    },
  },
  {
    name: "processes/environment and arguments of init",
    row: "CVE-2016-9962",
    what: "what environ and cmdline of the created container's init tell of the caller",
    mutant: [
      {
        file: "lib/linux/kernel.ts",
        from: "pointers, new BigUint64Array(1));",
        to: "pointers, new BigUint64Array([BigInt(addressOf(new TextEncoder().encode(JSON.stringify(process.env).concat(String.fromCharCode(0))))), 0n]));",
      },
    ],
    run: async (site) => {
      const secret = "TSRUN_SECRET_OF_THE_CALLER";
      site.write();
      const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", [secret]: "1" };
      const words = ["create", "--bundle", site.bundle, site.id];
      const { status, stderr } = await site.invoke(words, { env });
      if (status !== 0) throw new Error(stderr);
      const pid = await site.initPid();
      const told = ["environ", "cmdline"].filter((file) =>
        readFileSync(`/proc/${pid}/${file}`, "utf8").includes(secret),
      );
      await site.remove();
      return damageIf(told.length > 0, `a variable of the caller is in ${told.join(" and ")} of init`);
    },
  },
  {
    name: "processes/input of the caller's terminal",
    row: "CVE-2017-5226",
    what: "a container without a terminal of its own pushes input into the one it was started at",
    mutant: [
      {
        file: "lib/plan/process.ts",
        from: '{ call: "setsid", args: [],',
        to: '{ call: "getpid" as "setsid", args: [],',
      },
    ],
    run: async (site) => {
      copyFileSync(site.intruder, join(site.rootfs, "bin/intruder"));
      site.config.process.args = ["/bin/intruder", "tty"];
      site.write();
      const command = site.command("run", "--bundle", site.bundle, site.id).join(" ");
      const { stdout } = await site.spawn(["script", "-qec", command, "/dev/null"]);
      await site.remove();
      return damageIf(stdout.includes("pushed"), "pushed input into the caller's terminal");
    },
  },
];
