/** Descriptors of the host that a container could take hold of. */
import { readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type Attack, damageIf, type Edit } from "../attack.ts";
import type { AttackSite } from "../attack-site.ts";

const FIRST = 3;
const LAST = 24;
const NUMBERS = Array.from({ length: LAST - FIRST + 1 }, (_, index) => FIRST + index);

const UNCHECKED: readonly Edit[] = [
  {
    file: "lib/plan/executable.ts",
    from: '{ call: "checkCwd", args: [0], refusal: "it is outside of the container\'s root", purpose },',
    to: "",
  },
  {
    file: "lib/plan/executable.ts",
    from: 'if (process.cwd === "/") return [];',
    to: "if (process.cwd) return [];",
  },
];

/** Descriptors that nobody closes, of the caller and of Bun's. */
const UNCLOSED: readonly Edit[] = [
  {
    file: "lib/linux/executor.ts",
    from: 'checkedCall(kernel, doing, "close_range", first, UINT32_MAX, CLOSE_RANGE.CLOSE_RANGE_CLOEXEC);',
    to: 'for (const fd of [5, 9, 77]) kernel.call("fcntl", fd, FCNTL.F_SETFD, 0);',
  },
  { file: "lib/plan/process.ts", from: "closeFrom(first + kept.length, purpose),", to: "closeFrom(4000, purpose)," },
  { file: "lib/plan/process.ts", from: "closeFrom(FIRST_FD + request.preserveFds + 2,", to: "closeFrom(4000," },
];

/** Says whether a program is somewhere that its own root has not: its path leads to another directory, or to none. */
const WHERE = `[ "$(stat -c %d:%i /proc/self/cwd/)" = "$(stat -c %d:%i "$(readlink /proc/self/cwd)")" ] || echo outside; true`;

/** Gives a command descriptors of the victim's directory and file that nobody closed. */
function leaking(site: AttackSite, command: readonly string[]): readonly string[] {
  return ["bash", "-c", 'exec 5<"$1" 9<"$1/secret" 77<"$1"; shift; exec "$@"', "leak", site.victim, ...command];
}

/** Prints what is open beyond the standard streams, but for what ls itself has open. */
const LIST = "for fd in /proc/self/fd/*; do case $fd in */0|*/1|*/2) ;; *) readlink $fd;; esac; done; true";

function ofHost(stdout: string, site: AttackSite): readonly string[] {
  return stdout
    .split("\n")
    .filter((line) => line.includes(site.victim) || line === "/" || line.startsWith("/sys/fs/cgroup"));
}

export const descriptorAttacks: readonly Attack[] = [
  {
    name: "descriptors/working directory of run",
    row: "CVE-2024-21626",
    what: `process.cwd is /proc/self/fd/N, for N from ${FIRST} to ${LAST}`,
    mutant: UNCHECKED,
    run: async (site) => {
      const damage: string[] = [];
      site.shell(WHERE);
      for (const number of NUMBERS) {
        site.config.process.cwd = `/proc/self/fd/${number}`;
        const { status, stdout } = await site.run();
        damage.push(
          ...damageIf(status === 0 && stdout.includes("outside"), `runs outside at ${site.config.process.cwd}`),
        );
      }
      return damage;
    },
  },
  {
    name: "descriptors/working directory of the image",
    row: "CVE-2024-21626",
    what: "process.cwd is a link of the image to /proc/self/fd/N",
    mutant: UNCHECKED,
    run: async (site) => {
      const damage: string[] = [];
      site.shell(WHERE);
      site.config.process.cwd = "/work";
      for (const number of NUMBERS) {
        rmSync(join(site.rootfs, "work"), { force: true });
        symlinkSync(`/proc/self/fd/${number}`, join(site.rootfs, "work"));
        const { status, stdout } = await site.run();
        damage.push(...damageIf(status === 0 && stdout.includes("outside"), `runs outside by /proc/self/fd/${number}`));
      }
      return damage;
    },
  },
  {
    name: "descriptors/working directory of exec",
    row: "CVE-2024-21626",
    what: "exec --cwd /proc/self/fd/N, while the container runs",
    mutant: UNCHECKED,
    run: async (site) => {
      await site.runDetached(["/bin/sleep", "1000"]);
      const damage: string[] = [];
      for (const number of NUMBERS) {
        const cwd = `/proc/self/fd/${number}`;
        const { status, stdout } = await site.invoke(["exec", "--cwd", cwd, site.id, "/bin/sh", "-c", WHERE]);
        damage.push(...damageIf(status === 0 && stdout.includes("outside"), `exec runs outside at ${cwd}`));
      }
      await site.remove();
      return damage;
    },
  },
  {
    name: "descriptors/of the caller",
    row: "CVE-2024-21626, CVE-2016-9962",
    what: "the caller has left descriptors open for run, for exec and for a hook of the container",
    mutant: UNCLOSED,
    run: async (site) => {
      const output = join(site.scratch, "hook");
      const hook = { path: "/bin/bash", args: ["bash", "-c", `(${LIST}) > ${output}`], env: ["PATH=/usr/bin:/bin"] };
      site.config.hooks = { createContainer: [hook] };
      site.shell(LIST);
      site.write();
      const ran = await site.spawn(leaking(site, site.command("run", "--bundle", site.bundle, site.id)));
      if (ran.status !== 0) throw new Error(ran.stderr);
      await site.runDetached(["/bin/sleep", "1000"]);
      const exec = await site.spawn(leaking(site, site.command("exec", site.id, "/bin/sh", "-c", LIST)));
      await site.remove();
      const hooked = await Bun.file(output).text();
      return [
        ...ofHost(ran.stdout, site).map((line) => `run leaves open ${line}`),
        ...ofHost(exec.stdout, site).map((line) => `exec leaves open ${line}`),
        ...ofHost(hooked, site).map((line) => `a hook has open ${line}`),
      ];
    },
  },
  {
    name: "descriptors/of the created container",
    row: "CVE-2024-21626",
    what: "what init holds while it waits for start",
    mutant: [
      {
        file: "lib/plan/process.ts",
        from: "closeFrom(FIRST_FD + request.preserveFds + 2,",
        to: "closeFrom(4000,",
      },
    ],
    run: async (site) => {
      const { status, stderr } = await site.create();
      if (status !== 0) throw new Error(stderr);
      const folder = `/proc/${await site.initPid()}/fd`;
      const open = readdirSync(folder).filter((fd) => Number(fd) >= FIRST);
      const targets = open.map((fd) => readlinkSync(join(folder, fd)));
      await site.remove();
      // runc's init waits on the FIFO that start opens.
      const directories = targets.filter((target) => target.startsWith("/") && !/exec\.fifo|^\/memfd:/.test(target));
      return directories.map((target) => `init holds ${target}`);
    },
  },
];
