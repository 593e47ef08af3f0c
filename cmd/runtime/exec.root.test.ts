import { readFileSync } from "node:fs";
import { expect } from "chai";
import { Runc } from "../../lib/testing/runc-beside.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { isAlive, readStatus } from "../../lib/testing/runtime-proc.ts";
import { LONG } from "../../lib/testing/runtime-site.ts";

/** What a process can tell of itself, in a form that is the same under both runtimes. */
const TELL =
  "id -u; id -G; pwd; umask; echo $HOME $A; grep -E '^(Cap|NoNewPrivs|Seccomp|Sig(Ign|Blk))' /proc/self/status";

describe("tsrun exec", () => {
  const checked = useSite();

  it(
    "exits as the process does",
    checked(async (site) => {
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
      expect(await site.ok("exec", "web", "sh", "-c", "echo $0", "--env")).to.equal("--env\n");
      const cases: readonly (readonly [words: readonly string[], status: number])[] = [
        [["sh", "-c", "exit 3"], 3],
        [["sh", "-c", "kill -TERM $$"], 143],
        [["nosuch"], 255],
        [["/etc"], 255],
      ];
      for (const [words, status] of cases) {
        expect((await site.run("exec", "web", ...words)).status, words.join(" ")).to.equal(status);
      }
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "gives a process what runc gives it",
    checked(async (site) => {
      const runc = new Runc(site);
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
      await runc.withContainer(site.bundle(LONG), "web", async () => {
        const options: readonly (readonly string[])[] = [
          [],
          ["--user", "1000:100", "--additional-gids", "7"],
          ["--env", "A=b", "--env", "HOME=/h", "--cwd", "/tmp"],
          ["--cap", "CAP_NET_RAW", "--cap", "CAP_CHOWN"],
          ["--no-new-privs"],
        ];
        for (const words of options) {
          const ours = await site.run("exec", ...words, "web", "sh", "-c", TELL);
          const theirs = await runc.run("exec", ...words, "web", "sh", "-c", TELL);
          expect(ours, words.join(" ")).to.deep.include({ status: 0, stdout: theirs.stdout });
        }
      });
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "leaves a detached process to live on, in the container's cgroups and namespaces",
    checked(async (site) => {
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
      const pidFile = `${site.folder}/exec.pid`;
      await site.ok("exec", "--detach", "--pid-file", pidFile, "web", ...LONG);
      const pid = Number(readFileSync(pidFile, "utf8"));
      // The death signal of the runtime, which has ended, would have come by now.
      expect(await site.ok("exec", "web", "true")).to.equal("");
      expect(isAlive(pid)).to.equal(true);
      expect(readStatus(pid)?.session).to.equal(pid);
      const init = Number(JSON.parse(await site.ok("state", "web")).pid);
      expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).to.equal(readFileSync(`/proc/${init}/cgroup`, "utf8"));
      await site.ok("delete", "--force", "web");
      expect(isAlive(pid)).to.equal(false);
    }),
  );

  it(
    "refuses what is no number for a user, and a container that does not run",
    checked(async (site) => {
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
      for (const user of ["abc", "1:x", "", ":5", "1:2:3", "4294967296", "-1"]) {
        const { status, stderr } = await site.run("exec", "--user", user, "web", "true");
        expect(status, user).to.equal(255);
        expect(stderr).to.match(/^tsrun: invalid (user|group) ".*": must be .*\n$/);
      }
      await site.ok("kill", "web", "KILL");
      await site.waitForStatus("web", "stopped");
      expect(await site.run("exec", "web", "true")).to.deep.include({
        status: 255,
        stderr: "tsrun: cannot exec in a stopped container\n",
      });
      await site.ok("delete", "web");
    }),
  );

  it(
    "checks its options as config.json is checked, in runc's words",
    checked(async (site) => {
      const runc = new Runc(site);
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
      await runc.withContainer(site.bundle(LONG), "web", async () => {
        const cases: readonly (readonly [options: readonly string[], words: string])[] = [
          [["--cwd", "tmp"], "Cwd must be an absolute path"],
          [["--env", "X"], "invalid environment variable"],
        ];
        for (const [options, words] of cases) {
          const ours = await site.run("exec", ...options, "web", "true");
          const theirs = await runc.run("exec", ...options, "web", "true");
          expect(ours.status, words).to.equal(theirs.status);
          expect(ours.stderr).to.include(words);
          expect(theirs.stderr).to.include(words);
        }
        const ours = await site.run("exec", "--cap", "nonsense", "--cwd", "", "web", "sh", "-c", "pwd");
        const theirs = await runc.run("exec", "--cap", "nonsense", "--cwd", "", "web", "sh", "-c", "pwd");
        expect(ours).to.deep.include({ status: 0, stdout: theirs.stdout });
        for (const { stderr } of [ours, theirs]) {
          expect(stderr).to.include("ignoring unknown or unavailable capabilities: [nonsense]");
        }
      });
      await site.ok("delete", "--force", "web");
    }),
  );
});
