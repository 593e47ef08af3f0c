import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { Check } from "../site.ts";

const SHELL = ["/bin/sh", "-c"];

/** ctr run: what a program gets, and what becomes of its output and its status. */
export const runChecks: readonly Check[] = [
  {
    name: "standard output and standard error reach the client apart",
    run: async (site) => {
      const outcome = await site.run([], ...SHELL, "echo out; echo err >&2");
      expect(outcome).to.deep.equal({ status: 0, stdout: "out\n", stderr: "err\n" });
    },
  },
  {
    name: "the status of the program is that of ctr",
    run: async (site) => {
      expect((await site.run([], ...SHELL, "exit 7")).status).to.equal(7);
    },
  },
  {
    name: "20 MB of output arrive whole",
    run: async (site) => {
      const { stdout } = await site.run([], ...SHELL, "dd if=/dev/zero bs=1M count=20 2>/dev/null | tr '\\0' x");
      expect(stdout.length).to.equal(20 * 2 ** 20);
      expect(new Set(stdout)).to.have.length(1);
    },
  },
  {
    name: "output right before the end is not lost",
    run: async (site) => {
      const { stdout } = await site.run([], ...SHELL, "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done");
      expect(stdout.split("\n").at(-2)).to.equal("line 2999");
    },
  },
  {
    name: "standard input ends when the client has no more: echo x | ctr run … cat",
    run: async (site) => {
      const words = [...site.runWords(site.id(), ["--rm"]), "/bin/cat"].join(" ");
      const { stdout, status } = await site.daemon.shell(
        `for i in 1 2 3; do echo x$i | timeout 60 bash -c 'ctr() { command ctr --address ${site.daemon.address} "$@"; }; ctr ${words}' || exit; done`,
      );
      expect({ stdout, status }).to.deep.equal({ stdout: "x1\nx2\nx3\n", status: 0 });
    },
    ownOnly: "its shim waits for CloseIO, which ctr may not call when its input ends early: it hangs now and then",
  },
  {
    name: "5 MB of input arrive whole",
    run: async (site) => {
      const words = [...site.runWords(site.id(), ["--rm"]), "/bin/wc", "-c"].join(" ");
      const { stdout } = await site.daemon.shell(`(sleep 0.5; head -c 5000000 /dev/zero; sleep 0.5) | ctr ${words}`);
      expect(stdout.trim()).to.equal("5000000");
    },
  },
  {
    name: "environment and working directory are those asked for",
    run: async (site) => {
      const { stdout } = await site.run(["--env", "COLOUR=blue", "--cwd", "/etc"], ...SHELL, "echo $COLOUR $PWD");
      expect(stdout).to.equal("blue /etc\n");
    },
  },
  {
    name: "a program that is missing is told by its name",
    run: async (site) => {
      const { status, stderr } = await site.run([], "missing-program");
      expect(status).to.not.equal(0);
      expect(stderr).to.contain("OCI runtime create failed").and.to.contain('exec: "missing-program"');
      expect(stderr).to.contain("executable file not found in $PATH");
    },
  },
  {
    name: "a directory is no program",
    run: async (site) => {
      const { status, stderr } = await site.run([], "/etc");
      expect(status).to.not.equal(0);
      expect(stderr).to.match(/permission denied|is a directory/);
    },
  },
  {
    name: "a failed run leaves the id to be used again",
    run: async (site) => {
      await site.run([], "missing-program");
      const { status, stdout, stderr } = await site.run([], "/bin/echo", "again");
      expect({ status, stdout, stderr }).to.deep.equal({ status: 0, stdout: "again\n", stderr: "" });
    },
  },
  {
    name: "--read-only",
    run: async (site) => {
      const { status, stderr } = await site.run(["--read-only"], "/bin/touch", "/file");
      expect({ status, stderr }).to.deep.equal({ status: 1, stderr: "touch: /file: Read-only file system\n" });
    },
  },
  {
    name: "--mount of a directory of the host",
    run: async (site) => {
      const source = join(site.folder, "shared");
      mkdirSync(source);
      writeFileSync(join(source, "greeting"), "hello\n");
      const mount = `type=bind,src=${source},dst=/mnt,options=rbind:ro`;
      const { stdout, stderr } = await site.run(["--mount", mount], ...SHELL, "cat /mnt/greeting; touch /mnt/x");
      expect({ stdout, stderr }).to.deep.equal({
        stdout: "hello\n",
        stderr: "touch: /mnt/x: Read-only file system\n",
      });
    },
  },
  {
    name: "--privileged gives all capabilities",
    run: async (site) => {
      const outside = /CapBnd:\s*(\w+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
      const { stdout } = await site.run(["--privileged"], "/bin/grep", "CapBnd", "/proc/self/status");
      expect(stdout).to.contain(outside);
    },
  },
  {
    name: "--cap-drop",
    run: async (site) => {
      const { stderr, status } = await site.run(["--cap-drop", "CAP_CHOWN"], "/bin/sh", "-c", "chown 1 /etc/passwd");
      expect(status).to.not.equal(0);
      expect(stderr).to.not.equal("");
    },
  },
  {
    name: "--seccomp",
    run: async (site) => {
      const { stdout } = await site.run(["--seccomp"], "/bin/grep", "Seccomp:", "/proc/self/status");
      expect(stdout).to.equal("Seccomp:\t2\n");
    },
  },
  {
    name: "--no-pivot",
    run: async (site) => {
      expect((await site.run(["--no-pivot"], "/bin/echo", "here")).stdout).to.equal("here\n");
    },
  },
  {
    name: "--uidmap and --gidmap: a user namespace",
    run: async (site) => {
      const maps = ["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"];
      const { stdout, stderr } = await site.run(maps, "/bin/sh", "-c", "id -u; cat /proc/self/uid_map | tr -s ' '");
      expect({ stdout, stderr }).to.deep.equal({ stdout: "0\n 0 100000 65536\n", stderr: "" });
    },
  },
  {
    name: "--with-ns joins a namespace of the host",
    run: async (site) => {
      const { stdout } = await site.run(["--with-ns", `uts:/proc/${process.pid}/ns/uts`], "/bin/hostname");
      expect(stdout).to.equal(readFileSync("/proc/sys/kernel/hostname", "utf8"));
    },
  },
  {
    name: "--net-host",
    run: async (site) => {
      const { stdout } = await site.run(["--net-host"], "/bin/readlink", "/proc/self/ns/net");
      expect(stdout).to.equal(Bun.spawnSync({ cmd: ["readlink", "/proc/self/ns/net"] }).stdout.toString());
    },
  },
  {
    name: "--device",
    run: async (site) => {
      const { stdout } = await site.run(["--device", "/dev/fuse"], ...SHELL, "test -c /dev/fuse && echo there");
      expect(stdout).to.equal("there\n");
    },
  },
  {
    name: "--pid-file has the pid of the first process",
    run: async (site) => {
      const file = join(site.folder, "pid");
      const id = await site.detach(["--pid-file", file], "/bin/sleep", "1000");
      expect(readFileSync(file, "utf8")).to.equal(String(await site.pid(id)));
    },
  },
  {
    name: "--config: a config.json of the caller's",
    run: async (site) => {
      const { stdout } = await site.run(
        ["--env", "A=1", "--label", "x=y", "--annotation", "n=v"],
        "/bin/sh",
        "-c",
        "echo $A",
      );
      expect(stdout).to.equal("1\n");
    },
  },
  {
    name: "the limits of a container are those of its cgroup",
    run: async (site) => {
      const limit = 64 * 2 ** 20;
      const id = await site.detach(["--memory-limit", String(limit), "--cpus", "0.5"], "/bin/sleep", "1000");
      expect(await site.ok("task", "metrics", id)).to.match(new RegExp(`(limit_in_bytes|usage_limit)\\s+${limit}\\b`));
    },
  },
];
