import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { REQUEST } from "../../lib/runtime/criu/messages.ts";
import { type FakeBehaviour, type FakeCriu, makeFakeCriu } from "../../lib/testing/fake-criu.ts";
import type { FullConfig } from "../../lib/testing/runtime-bundle.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import type { Outcome } from "../../lib/testing/runtime-program.ts";
import { LONG, type Site } from "../../lib/testing/runtime-site.ts";

/** What criu says on a kernel whose vDSO it cannot read. */
const LOG = "(00.1) Version: 3.17.1\n(00.2) Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds\n";

interface Trial {
  readonly site: Site;
  readonly criu: FakeCriu;
  readonly images: string;
  /** Runs the built program, which finds the fake criu. */
  readonly run: (words: readonly string[], behaviour?: FakeBehaviour) => Promise<Outcome>;
}

function trialOf(site: Site): Trial {
  const criu = makeFakeCriu(`${site.folder}/fake`);
  return {
    site,
    criu,
    images: `${site.folder}/images-${Date.now()}`,
    run: async (words, behaviour) => await site.start(words, { env: criu.env(behaviour) }).outcome,
  };
}

/** criu(8), `--external file[MOUNT:INODE]`. */
function fileKey(pid: number, fd: number): string {
  const mount = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1];
  return `file[${Number(mount).toString(16)}:${statSync(`/proc/${pid}/fd/${fd}`).ino.toString(16)}]`;
}

const done = { status: 0, signal: undefined, stdout: "", stderr: "" };

describe("tsrun checkpoint", () => {
  const checked = useSite();

  it(
    "asks criu for what the options say, and deletes the container",
    checked(async (site) => {
      const { criu, images, run } = trialOf(site);
      const bundle = site.bundle(LONG, (config: FullConfig) => ({
        ...config,
        mounts: [...config.mounts, { destination: "/link/file", source: "/etc/hostname", options: ["bind"] }],
        annotations: { "org.criu.config": "/etc/criu/mine.conf" },
      }));
      mkdirSync(`${bundle}/rootfs/real`);
      symlinkSync("/real", `${bundle}/rootfs/link`);
      await site.ok("run", "--detach", "--bundle", bundle, "web");
      const { pid } = await site.state("web");
      const outputs = [1, 2].map((fd) => fileKey(Number(pid), fd));
      const options = ["--tcp-established", "--file-locks", "--manage-cgroups-mode", "full", "--link-remap"];
      expect(await run(["checkpoint", "--image-path", images, ...options, "web"])).to.deep.equal(done);
      const [version, dump, ...more] = criu.takeRequests();
      expect([version?.type, dump?.type, more.length]).to.deep.equal([REQUEST.VERSION, REQUEST.DUMP, 0]);
      expect(dump?.opts).to.deep.include({
        pid,
        root: `${bundle}/rootfs`,
        tcpEstablished: true,
        fileLocks: true,
        linkRemap: true,
        shellJob: false,
        leaveRunning: false,
        manageCgroupsMode: 4,
        notifyScripts: true,
        orphanPtsMaster: true,
        emptyNs: 0x40000000,
        configFile: "/etc/criu/mine.conf",
        logFile: "dump.log",
      });
      expect(dump?.opts?.extMnt).to.deep.include({ key: "/real/file", val: "/real/file" });
      expect(dump?.stdin).to.equal("/dev/null");
      // The outputs are files of this test: criu finds them on no mount of the container.
      expect(dump?.opts?.external).to.deep.equal(outputs);
      expect(JSON.parse(readFileSync(`${images}/descriptors.json`, "utf8"))).to.deep.equal(["/dev/null", ...outputs]);
      expect((await run(["state", "web"])).stderr).to.include("does not exist");
    }),
  );

  it(
    "leaves the container alone after --leave-running and --pre-dump",
    checked(async (site) => {
      const { criu, images, run } = trialOf(site);
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
      expect(await run(["checkpoint", "--image-path", images, "--pre-dump", "web"])).to.deep.equal(done);
      expect(readdirSync(images)).to.deep.equal([]);
      const words = ["checkpoint", "--image-path", `${images}/2`, "--parent-path", "..", "--leave-running", "web"];
      expect(await run(words)).to.deep.equal(done);
      const [, check, preDump, , dump] = criu.takeRequests();
      expect([check?.type, preDump?.type]).to.deep.equal([REQUEST.FEATURE_CHECK, REQUEST.PRE_DUMP]);
      expect(preDump?.opts?.extMnt).to.equal(undefined);
      expect(dump?.opts).to.deep.include({ leaveRunning: true, parentImg: "..", trackMem: true });
      expect(await site.status("web")).to.equal("running");
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "says what criu's log says, and leaves the container running",
    checked(async (site) => {
      const { images, run } = trialOf(site);
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
      const words = ["checkpoint", "--image-path", images, "--work-path", `${images}/work`, "web"];
      const { status, stderr } = await run(words, { log: LOG });
      expect(status).to.equal(1);
      expect(stderr).to.equal(
        "tsrun: criu failed: type VERSION errno 3 (ESRCH)\n".replace("VERSION", "DUMP").replace("\n", "") +
          `: Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds: log file: ${images}/work/dump.log\n`,
      );
      expect(await site.status("web")).to.equal("running");
      await site.ok("delete", "--force", "web");
    }),
  );

  interface Refusal {
    readonly name: string;
    readonly words: readonly string[];
    readonly behaviour?: FakeBehaviour;
    readonly stderr: string;
  }

  const refusals: readonly Refusal[] = [
    { name: "a parent elsewhere", words: ["--parent-path", "/p"], stderr: "--parent-path must be relative" },
    { name: "a parent that is missing", words: ["--parent-path", "p"], stderr: "invalid --parent-path: " },
    { name: "a namespace to empty", words: ["--empty-ns", "ipc"], stderr: 'namespace "ipc" is not supported' },
    {
      name: "a closed status fd",
      words: ["--status-fd", "99"],
      stderr: "--status-fd argument 99: bad file descriptor",
    },
    { name: "a status fd to read", words: ["--status-fd", "0"], stderr: "--status-fd argument 0: not writable" },
    { name: "an old criu", words: [], behaviour: { version: [3, 14] }, stderr: "CRIU version 31401 must be 31500" },
    {
      name: "a criu without userfaultfd",
      words: ["--lazy-pages"],
      behaviour: { hasFeatures: false },
      stderr: "CRIU is missing features: lazyPages",
    },
  ];
  for (const { name, words, behaviour, stderr } of refusals) {
    it(
      `refuses ${name}`,
      checked(async (site) => {
        const { images, run } = trialOf(site);
        await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
        const refused = await run(["checkpoint", "--image-path", images, ...words, "web"], behaviour);
        expect(refused.status).to.equal(1);
        expect(refused.stderr).to.include(stderr);
        expect(await site.status("web")).to.equal("running");
        await site.ok("delete", "--force", "web");
      }),
    );
  }

  it(
    "refuses a container that does not run, and one where there is no criu",
    checked(async (site) => {
      const { images, run } = trialOf(site);
      await site.ok("create", "--bundle", site.bundle(LONG), "web");
      const words = ["checkpoint", "--image-path", images, "web"];
      expect((await run(words)).stderr).to.equal("tsrun: Container cannot be checkpointed in created state\n");
      await site.ok("start", "web");
      const { stderr } = await site.start(words, { env: { PATH: "/nowhere" } }).outcome;
      expect(stderr).to.equal('tsrun: exec: "criu": executable file not found in $PATH: install criu(8)\n');
      await site.ok("delete", "--force", "web");
    }),
  );
});

describe("tsrun restore", () => {
  const checked = useSite();

  async function saved(trial: Trial, bundle: string): Promise<void> {
    await trial.site.ok("run", "--detach", "--bundle", bundle, "web");
    expect(await trial.run(["checkpoint", "--image-path", trial.images, "web"])).to.deep.equal(done);
    trial.criu.takeRequests();
  }

  it(
    "makes the container, its cgroups and its mount points, and runs the hooks",
    checked(async (site) => {
      const trial = trialOf(site);
      const state = `${site.folder}/hook`;
      const bundle = site.bundle(LONG, (config: FullConfig) => ({
        ...config,
        mounts: [...config.mounts, { destination: "/data", source: "data/.", options: ["bind"] }],
        linux: { ...config.linux, resources: { pids: { limit: 33 } } },
        hooks: { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", `cat > ${state}`] }] },
      }));
      mkdirSync(`${bundle}/data`);
      await saved(trial, bundle);
      const pidFile = `${site.folder}/restored.pid`;
      const words = ["--image-path", trial.images, "--bundle", bundle, "--detach", "--pid-file", pidFile, "copy"];
      expect(await trial.run(["restore", ...words])).to.deep.equal(done);
      const [, restore] = trial.criu.takeRequests();
      expect(restore?.opts).to.deep.include({ rstSibling: true, evasiveDevices: true, logFile: "restore.log" });
      expect(restore?.opts?.extMnt).to.deep.include({ key: "/data", val: `${bundle}/data` });
      const streams = JSON.parse(readFileSync(`${trial.images}/descriptors.json`, "utf8"));
      expect(restore?.opts?.inheritFd).to.deep.equal([1, 2].map((fd) => ({ key: streams[fd], fd })));
      expect(restore?.cgroup).to.match(new RegExp(`pids:/.*${site.tag}`));
      const { pid, status } = await site.state("copy");
      expect(status).to.equal("running");
      expect(readFileSync(pidFile, "utf8")).to.equal(String(pid));
      expect(JSON.parse(readFileSync(state, "utf8"))).to.deep.include({ id: "copy", pid, status: "creating" });
      expect(readdirSync(`${bundle}/rootfs`)).to.include("data");
      expect(readdirSync(`${site.root}/copy`)).to.not.include("criu-root");
      expect(await site.ok("ps", "--format", "json", "copy")).to.equal(`[${pid}]\n`);
      await site.ok("delete", "--force", "copy");
    }),
  );

  it(
    "says what criu's log says, and leaves nothing",
    checked(async (site) => {
      const trial = trialOf(site);
      const bundle = site.bundle(LONG);
      await saved(trial, bundle);
      const words = ["restore", "--image-path", trial.images, "--bundle", bundle, "--detach", "web"];
      const { status, stderr } = await trial.run(words, { log: LOG });
      expect({ status, stderr }).to.deep.equal({
        status: 1,
        stderr:
          "tsrun: criu failed: type RESTORE errno 3 (ESRCH): Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area " +
          `bounds: log file: ${trial.images}/restore.log\n`,
      });
    }),
  );

  it(
    "refuses what is no checkpoint, and leaves nothing",
    checked(async (site) => {
      const trial = trialOf(site);
      const words = ["restore", "--image-path", trial.images, "--bundle", site.bundle(LONG), "--detach", "web"];
      expect((await trial.run(words)).stderr).to.include(`no complete checkpoint in --image-path`);
      mkdirSync(trial.images);
      for (const text of ["{", "[1]", '["a","b","c","d"]', '"pipe:[1]"']) {
        writeFileSync(`${trial.images}/descriptors.json`, text);
        const { status, stderr } = await trial.run(words);
        expect(status).to.equal(1);
        expect(stderr).to.include("descriptors.json: must be an array of up to 3 texts");
      }
    }),
  );
});
