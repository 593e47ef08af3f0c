import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { expect } from "chai";
import { detectCgroups } from "../../lib/linux/cgroup/detect.ts";
import { Runc } from "../../lib/testing/runc-beside.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { directoriesNamed } from "../../lib/testing/runtime-proc.ts";
import { startProgram, TSRUN } from "../../lib/testing/runtime-program.ts";
import { LONG, type Site } from "../../lib/testing/runtime-site.ts";

const FILES = {
  cpu: ["cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.cfs_burst_us", "cpu.idle"],
  memory: ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes"],
  pids: ["pids.max"],
  cpuset: ["cpuset.cpus", "cpuset.mems"],
  devices: ["devices.list"],
};

/** What the cgroup of a bundle of the site is set to. */
function limits(site: Site, bundle: string): Readonly<Record<string, string>> {
  const cgroup = `/${site.tag}/${basename(bundle)}`;
  return Object.fromEntries(
    Object.entries(FILES).flatMap(([controller, files]) => {
      const found = directoriesNamed(`/sys/fs/cgroup/${controller}`, cgroup).find((path) => path.endsWith(cgroup));
      return files.map((file) => [file, readFileSync(`${found}/${file}`, "utf8").trim()]);
    }),
  );
}

/** One after the other: each finds what the one before left. */
const UPDATES: readonly (readonly string[])[] = [
  ["--memory", "64m", "--memory-swap", "128m"],
  ["--memory", "256m", "--memory-swap", "512m"],
  ["--memory", "32m", "--memory-swap", "32m", "--memory-reservation", "16m"],
  ["--memory", "64m", "--memory-swap", "32m"],
  ["--memory", "64m", "--memory-swap", "-1"],
  ["--memory", "-1"],
  ["--cpu-period", "50000", "--cpu-quota", "25000", "--cpu-share", "512"],
  ["--cpu-period", "10000", "--cpu-quota", "1000"],
  ["--cpu-period", "5"],
  ["--cpu-share", "100"],
  ["--cpu-quota", "-1"],
  ["--pids-limit", "20"],
  ["--pids-limit", "-1"],
  ["--cpuset-cpus", "0"],
  ["--cpuset-cpus", "77"],
  ["--cpuset-mems", "0"],
  ["--kernel-memory", "4m"],
  [],
];

describe("tsrun update", () => {
  const checked = useSite();

  it(
    "sets what runc sets, one update after the other",
    checked(async (site) => {
      // The files are those of v1.
      expect(detectCgroups(site.options.kernel).mode).to.equal("v1");
      const runc = new Runc(site);
      const [own, other] = [site.bundle(LONG), site.bundle(LONG)];
      await site.ok("run", "--detach", "--bundle", own, "web");
      await runc.withContainer(other, "web", async () => {
        const devices = limits(site, own)["devices.list"];
        for (const words of UPDATES) {
          const ours = await site.run("update", ...words, "web");
          const theirs = await runc.run("update", ...words, "web");
          expect({ words, status: ours.status }).to.deep.equal({ words, status: theirs.status });
          const { "devices.list": ourDevices, ...ourLimits } = limits(site, own);
          const { "devices.list": _, ...theirLimits } = limits(site, other);
          // A failed update of runc leaves half of it behind; ours does not.
          if (theirs.status === 0) expect({ words, ...ourLimits }).to.deep.equal({ words, ...theirLimits });
          expect(ourDevices).to.equal(devices);
        }
      });
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "applies all of an update or nothing, and names the property",
    checked(async (site) => {
      const own = site.bundle(LONG);
      await site.ok("run", "--detach", "--bundle", own, "web");
      await site.ok("update", "--memory", "64m", "--memory-swap", "64m", "--pids-limit", "50", "web");
      const before = limits(site, own);
      const cases: readonly (readonly [words: readonly string[], stderr: RegExp])[] = [
        [
          ["--memory", "32m", "--memory-swap", "32m", "--cpuset-cpus", "77"],
          /^tsrun: cannot apply linux\.resources\.cpu\.cpus: cannot write "77" to cpuset\.cpus: numerical result out of range \(ERANGE\)\n$/,
        ],
        [
          ["--memory", "1k"],
          /^tsrun: cannot apply linux\.resources\.memory\.limit: unable to set memory limit to 1024 \(current usage: \d+, peak usage: \d+\): /,
        ],
        [
          ["--pids-limit", "7", "--cpu-period", "5"],
          /^tsrun: cannot apply linux\.resources\.cpu\.period: .*invalid argument \(EINVAL\)\n$/,
        ],
        [
          ["--pids-limit", "7", "--cpu-share", "1000000"],
          /linux\.resources\.cpu\.shares: the maximum allowed cpu-shares is 262144\n$/,
        ],
        [["--memory", "64x"], /^tsrun: invalid value "64x" for flag -memory: /],
        [["--l3-cache-schema", "L3:0=f"], /^tsrun: Intel RDT\/CAT: l3 cache schema is not enabled\n$/],
      ];
      for (const [words, stderr] of cases) {
        const outcome = await site.run("update", ...words, "web");
        expect(outcome.status, words.join(" ")).to.equal(1);
        expect(outcome.stderr).to.match(stderr);
        expect(limits(site, own), words.join(" ")).to.deep.equal(before);
      }
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "reads resources from a file and from standard input, and then no other option",
    checked(async (site) => {
      const own = site.bundle(LONG);
      await site.ok("run", "--detach", "--bundle", own, "web");
      const file = `${site.folder}/limits.json`;
      writeFileSync(
        file,
        JSON.stringify({ pids: { limit: 33 }, memory: { limit: 0 }, devices: [{ allow: false, access: "rwm" }] }),
      );
      const before = limits(site, own);
      await site.ok("update", "--resources", file, "--cpu-share", "7", "web");
      expect(limits(site, own)).to.deep.equal({ ...before, "pids.max": "33" });
      writeFileSync(file, JSON.stringify({ cpu: { shares: 512 } }));
      const command = `exec ${TSRUN} --root ${site.root} update --resources - web < ${file}`;
      const piped = await startProgram(["sh", "-c", command]).outcome;
      expect(piped).to.deep.include({ status: 0, stderr: "" });
      expect(limits(site, own)).to.deep.include({ "cpu.shares": "512", "pids.max": "33" });
      const check = { memory: { limit: 4096, checkBeforeUpdate: true } };
      const refused: readonly (readonly [text: string, stderr: RegExp])[] = [
        ["{", /cannot parse resources: line 1, column 2/],
        ['{"memory":{"limit":"x"}}', /^tsrun: cannot use the resources of .*limits\.json: \/memory\/limit: "x": /],
        [JSON.stringify(check), /linux\.resources\.memory\.limit: rejecting memory limit 4096 < usage \d+\n$/],
        ['{"unified":{"memory.high":"1"}}', /invalid configuration: linux\.resources\.unified /],
      ];
      for (const [text, stderr] of refused) {
        writeFileSync(file, text);
        expect((await site.run("update", "-r", file, "web")).stderr).to.match(stderr);
      }
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "takes created and paused containers, no stopped ones",
    checked(async (site) => {
      const own = site.bundle(LONG);
      await site.ok("create", "--bundle", own, "web");
      await site.ok("update", "--pids-limit", "9", "web");
      await site.ok("pause", "web");
      await site.ok("update", "--pids-limit", "8", "web");
      expect(limits(site, own)).to.deep.include({ "pids.max": "8" });
      await site.ok("kill", "web", "KILL");
      await site.waitForStatus("web", "stopped");
      expect((await site.run("update", "--pids-limit", "7", "web")).stderr).to.equal("tsrun: container not running\n");
      await site.ok("delete", "web");
    }),
  );
});
