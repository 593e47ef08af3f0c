import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { expect } from "chai";
import type { FullConfig } from "../../lib/testing/runtime-bundle.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { waitUntil } from "../../lib/testing/runtime-poll.ts";
import { isAlive, listDescriptors, readIfThere } from "../../lib/testing/runtime-proc.ts";
import { LONG } from "../../lib/testing/runtime-site.ts";

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Writes a file when it has set its trap. */
const WITH_TRAP = ["sh", "-c", "trap 'exit 42' TERM; echo > /ready; while :; do sleep 1 & wait; done"];

function withoutPidNamespace(config: FullConfig): FullConfig {
  const namespaces = (config.linux.namespaces ?? []).filter(({ type }) => type !== "pid");
  return { ...config, linux: { ...config.linux, namespaces } };
}

describe("tsrun: the life of a container", () => {
  const checked = useSite();

  it(
    "goes from created to running to stopped to deleted",
    checked(async (site) => {
      const bundle = site.bundle(LONG);
      expect(await site.ok("create", "--bundle", bundle, "web")).to.equal("");
      expect(await site.status("web")).to.equal("created");
      expect(await site.ok("start", "web")).to.equal("");
      expect(await site.status("web")).to.equal("running");
      expect(await site.ok("kill", "web", "KILL")).to.equal("");
      await site.waitForStatus("web", "stopped");
      expect(await site.ok("delete", "web")).to.equal("");
      expect((await site.run("state", "web")).stderr).to.equal("tsrun: container web does not exist\n");
    }),
  );

  it(
    "gives the state runc gives, field by field",
    checked(async (site) => {
      const bundle = site.bundle(LONG, (config) => ({ ...config, annotations: { b: "2", a: "<1>" } }));
      const pidFile = `${site.folder}/state.pid`;
      await site.ok("create", "--bundle", bundle, "--pid-file", pidFile, "web");
      const pid = Number(readFileSync(pidFile, "utf8"));
      const text = await site.ok("state", "web");
      const state = JSON.parse(text) as Record<string, unknown>;
      expect(text.endsWith("\n")).to.equal(false);
      expect(text).to.include('"a": "\\u003c1\\u003e"');
      expect(Object.keys(state)).to.deep.equal([
        ...["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "annotations", "owner"],
      ]);
      expect(state["created"]).to.match(RFC3339);
      expect(state).to.deep.include({ ociVersion: "1.3.0", id: "web", pid, status: "created", bundle, owner: "" });
      expect(state).to.deep.include({ rootfs: `${bundle}/rootfs`, annotations: { a: "<1>", b: "2" } });
      await site.ok("kill", "web", "KILL");
      await site.waitForStatus("web", "stopped");
      expect((await site.state("web"))["pid"]).to.equal(0);
      await site.ok("delete", "web");
    }),
  );

  it(
    "leaves only init, with its standard streams, its own two sockets and no trace of the runtime",
    checked(async (site) => {
      const pidFile = `${site.folder}/init.pid`;
      await site.ok("create", "--bundle", site.bundle(LONG), "--pid-file", pidFile, "web");
      const pid = Number(readFileSync(pidFile, "utf8"));
      expect(readlinkSync(`/proc/${pid}/exe`)).to.match(/^\/memfd:tsrun-init/);
      expect(readlinkSync(`/proc/${pid}/root`)).to.equal("/");
      expect(listDescriptors(pid).filter((target) => /^socket:/.test(target))).to.have.lengthOf(1);
      expect(listDescriptors(pid).filter((target) => /memfd|state|cgroup|net:/.test(target))).to.deep.equal([]);
      await site.ok("start", "web");
      expect(listDescriptors(pid)).to.have.lengthOf(3);
      expect(readIfThere(`/proc/${pid}/status`))
        .to.match(/^SigIgn:\t0+$/m)
        .and.to.match(/^SigBlk:\t0+$/m);
      await site.ok("delete", "--force", "web");
      expect(isAlive(pid)).to.equal(false);
    }),
  );

  it(
    "deletes a created container, as runc does, and a running one with --force only",
    checked(async (site) => {
      const bundle = site.bundle(LONG);
      await site.ok("create", "--bundle", bundle, "web");
      await site.ok("delete", "web");
      await site.ok("create", "--bundle", bundle, "web");
      await site.ok("start", "web");
      expect((await site.run("delete", "web")).status).to.equal(1);
      expect(await site.status("web")).to.equal("running");
      await site.ok("delete", "--force", "web");
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "removes cgroups that the container made below its own, with all that runs in them",
    checked(async (site) => {
      const bundle = site.bundle(LONG);
      await site.ok("create", "--bundle", bundle, "web");
      const cgroup = `/sys/fs/cgroup/memory/${site.tag}/${bundle.split("/").at(-1)}`;
      mkdirSync(`${cgroup}/below`);
      mkdirSync(`${cgroup}/below/deeper`);
      await site.ok("start", "web");
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "keeps several containers apart, and lists them",
    checked(async (site) => {
      expect(await site.ok("list", "--format", "json")).to.equal("null\n");
      const ids = ["c", "a", "b"];
      for (const id of ids) await site.ok("create", "--bundle", site.bundle(LONG), id);
      await site.ok("start", "b");
      await site.ok("kill", "c", "9");
      await site.waitForStatus("c", "stopped");
      const listed = JSON.parse(await site.ok("list", "--format", "json")) as Record<string, unknown>[];
      expect(listed.map(({ id, status, owner }) => ({ id, status, owner }))).to.deep.equal([
        { id: "a", status: "created", owner: "root" },
        { id: "b", status: "running", owner: "root" },
        { id: "c", status: "stopped", owner: "root" },
      ]);
      const [, ...rows] = (await site.ok("list")).trimEnd().split("\n");
      expect(rows.map((row) => row.split(/ +/)[0])).to.deep.equal(["a", "b", "c"]);
      expect(await site.ok("list", "-q")).to.equal("a\nb\nc\n");
      await site.ok("delete", "a");
      expect(await site.status("b")).to.equal("running");
      await site.ok("delete", "--force", "b");
      await site.ok("delete", "c");
    }),
  );

  it(
    "writes the pid file whole and without a newline, over one that is there, and leaves no other file",
    checked(async (site) => {
      const folder = `${site.folder}/pid-files`;
      mkdirSync(folder);
      const pidFile = `${folder}/web.pid`;
      await Bun.write(pidFile, "999999999\n");
      await site.ok("create", "--bundle", site.bundle(LONG), "--pid-file", pidFile, "web");
      expect(readFileSync(pidFile, "utf8")).to.equal(String((await site.state("web"))["pid"]));
      expect(readdirSync(folder)).to.deep.equal(["web.pid"]);
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "takes a pid file path relative to the caller, not to the bundle",
    checked(async (site) => {
      const words = ["run", "--bundle", site.bundle(["true"]), "--pid-file", "relative.pid", "web"];
      const { status } = await site.start(words, { cwd: site.folder }).outcome;
      expect(status).to.equal(0);
      expect(readdirSync(site.folder)).to.include("relative.pid");
    }),
  );
});

describe("tsrun run", () => {
  const checked = useSite();

  const cases = [
    { name: "0 for success", args: ["true"], status: 0 },
    { name: "the program's own status", args: ["sh", "-c", "exit 3"], status: 3 },
    { name: "the largest status", args: ["sh", "-c", "exit 255"], status: 255 },
  ];
  for (const { name, args, status } of cases) {
    it(
      `gives ${name}`,
      checked(async (site) => {
        const outcome = await site.run("run", "--bundle", site.bundle(args), "web");
        expect(outcome).to.deep.include({ status, stdout: "", stderr: "" });
      }),
    );
  }

  it(
    "gives 128 + n after signal n",
    checked(async (site) => {
      const bundle = site.bundle(WITH_TRAP);
      const running = site.start(["run", "--bundle", bundle, "web"]);
      await waitUntil("trap", () => existsSync(`${bundle}/rootfs/ready`));
      await site.ok("kill", "web", "KILL");
      expect((await running.outcome).status).to.equal(137);
    }),
  );

  it(
    "passes signals on, and gives what the program makes of them",
    checked(async (site) => {
      const bundle = site.bundle(WITH_TRAP);
      const running = site.start(["run", "--bundle", bundle, "web"]);
      await waitUntil("trap", () => existsSync(`${bundle}/rootfs/ready`));
      process.kill(running.pid, "SIGTERM");
      expect((await running.outcome).status).to.equal(42);
    }),
  );

  it(
    "passes standard output and standard error on as they are",
    checked(async (site) => {
      const bundle = site.bundle(["sh", "-c", "echo out; echo err >&2"]);
      const outcome = await site.run("run", "--bundle", bundle, "web");
      expect(outcome).to.deep.include({ status: 0, stdout: "out\n", stderr: "err\n" });
    }),
  );

  it(
    "removes a container whose processes outlive its init",
    checked(async (site) => {
      const bundle = site.bundle(["sh", "-c", "sleep 1000 & exit 5"], withoutPidNamespace);
      expect((await site.run("run", "--bundle", bundle, "web")).status).to.equal(5);
    }),
  );

  it(
    "--keep leaves a stopped container",
    checked(async (site) => {
      const outcome = await site.run("run", "--keep", "--bundle", site.bundle(["sh", "-c", "exit 3"]), "web");
      expect(outcome.status).to.equal(3);
      expect(await site.state("web")).to.deep.include({ status: "stopped", pid: 0 });
      await site.ok("delete", "web");
    }),
  );

  it(
    "--detach returns when the program runs, with its pid in the pid file",
    checked(async (site) => {
      const pidFile = `${site.folder}/detached.pid`;
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "--pid-file", pidFile, "web");
      const pid = Number(readFileSync(pidFile, "utf8"));
      expect(await site.state("web")).to.deep.include({ status: "running", pid });
      expect(readIfThere(`/proc/${pid}/cmdline`)).to.equal("sleep\u00001000\u0000");
      await site.ok("delete", "--force", "web");
    }),
  );
});
