import { expect } from "chai";
import type { ExecCpuAffinity } from "../../lib/spec/config.ts";
import { Runc } from "../../lib/testing/runc-beside.ts";
import type { FullConfig } from "../../lib/testing/runtime-bundle.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { startProgram, TSRUN } from "../../lib/testing/runtime-program.ts";
import { LONG, type Site } from "../../lib/testing/runtime-site.ts";

const CPUS = [
  "sh",
  "-c",
  'while read name list; do [ "$name" = Cpus_allowed_list: ] && echo $list; done < /proc/self/status; true',
];
const STATUS = ["cat", "/proc/self/status"];
const NONE_IGNORED = /^SigIgn:\t0000000000000000$/m;

function withAffinity(execCPUAffinity: ExecCpuAffinity | undefined) {
  return (config: FullConfig): FullConfig => ({
    ...config,
    process: { ...config.process, ...(execCPUAffinity && { execCPUAffinity }) },
  });
}

/** The output of a command of tsrun that another program starts. */
async function under(site: Site, wrap: readonly string[], ...words: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await startProgram([...wrap, TSRUN, "--root", site.root, ...words]).outcome;
  expect({ words, status, stderr }).to.deep.equal({ words, status: 0, stderr: "" });
  return stdout.trim();
}

describe("a process", () => {
  const checked = useSite();

  it(
    "of exec runs on the CPUs of execCPUAffinity, and any other on all that its cgroup has",
    checked(async (site) => {
      const all = await under(site, [], "run", "--bundle", site.bundle(CPUS), "web");
      const [first = ""] = all.split(/[-,]/);
      const cases: readonly (readonly [
        affinity: ExecCpuAffinity | undefined,
        wrap: readonly string[],
        cpus: string,
      ])[] = [
        [undefined, ["taskset", "-c", first], all],
        [{ final: first }, [], first],
        [{ initial: first }, [], first],
        [{ initial: first, final: all }, [], all],
      ];
      for (const [affinity, wrap, cpus] of cases) {
        await site.ok("run", "--detach", "--bundle", site.bundle(LONG, withAffinity(affinity)), "web");
        expect(await under(site, wrap, "exec", "web", ...CPUS), JSON.stringify(affinity)).to.equal(cpus);
        await site.ok("delete", "--force", "web");
      }
      // The first process of a container has nothing to do with it.
      const bundle = site.bundle(CPUS, withAffinity({ initial: first, final: first }));
      expect(await under(site, ["taskset", "-c", first], "run", "--bundle", bundle, "web")).to.equal(all);
    }),
  );

  it(
    "is told by name when there is no such CPU",
    checked(async (site) => {
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG, withAffinity({ final: "60000" })), "web");
      expect(await site.run("exec", "web", "true")).to.deep.include({
        status: 255,
        stderr: "tsrun: cannot run on the CPUs 60000 (process.execCPUAffinity.final): invalid argument (EINVAL)\n",
      });
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "ignores no signal that its caller ignored, real-time signals included",
    checked(async (site) => {
      const wrap = ["env", "--ignore-signal=USR1,HUP,RTMIN,RTMIN+5,RTMAX"];
      const ours = await under(site, wrap, "run", "--bundle", site.bundle(STATUS), "web");
      expect(ours).to.match(NONE_IGNORED);
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
      expect(await under(site, wrap, "exec", "web", ...STATUS)).to.match(NONE_IGNORED);
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "is refused a label that nobody on this host enforces, where runc refuses it too",
    checked(async (site) => {
      const runc = new Runc(site);
      const labels = [
        {
          process: { apparmorProfile: "p" },
          stderr: /`\/proc\/self\/attr\/apparmor\/exec` \(process\.apparmorProfile\): /,
        },
        {
          process: { selinuxLabel: "u:r:t:s0" },
          stderr: /selinux is disabled or not supported \(process\.selinuxLabel\)/,
        },
        { linux: { mountLabel: "u:r:t:s0" }, stderr: /selinux is disabled or not supported \(linux\.mountLabel\)/ },
      ];
      for (const { process, linux, stderr } of labels) {
        const bundle = site.bundle(["true"], (config) => ({
          ...config,
          process: { ...config.process, ...process },
          linux: { ...config.linux, ...linux },
        }));
        const ours = await site.run("run", "--bundle", bundle, "web");
        expect(ours.status).to.equal(1);
        expect(ours.stderr).to.match(stderr);
        expect((await runc.run("run", "--bundle", bundle, "web")).status).to.equal(1);
      }
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
      for (const words of [
        ["--apparmor", "p"],
        ["--process-label", "u:r:t:s0"],
      ]) {
        const { status, stderr } = await site.run("exec", ...words, "web", "true");
        expect(status).to.equal(255);
        expect(stderr).to.match(/process\.(apparmorProfile|selinuxLabel)/);
      }
      await site.ok("delete", "--force", "web");
    }),
  );
});
