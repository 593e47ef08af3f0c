import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { expectFailure } from "../../lib/testing/runtime-failure.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { isAlive, readIfThere } from "../../lib/testing/runtime-proc.ts";
import { startProgram, TSRUN } from "../../lib/testing/runtime-program.ts";
import { LONG, type Site } from "../../lib/testing/runtime-site.ts";

const ID_RULE = 'must be 1 to 255 of A-Z a-z 0-9 _ + . -, not "." or ".."';

/** A container with this id, that has been started. */
async function running(site: Site, id: string): Promise<void> {
  await site.ok("create", "--bundle", site.bundle(LONG), id);
  await site.ok("start", id);
}

/** A container with this id, whose program has ended. */
async function stopped(site: Site, id: string): Promise<void> {
  await running(site, id);
  await site.ok("kill", id, "KILL");
  await site.waitForStatus(id, "stopped");
}

describe("tsrun: operations on the wrong container, or in the wrong state", () => {
  const checked = useSite();

  for (const words of [["state"], ["start"], ["kill"], ["delete"], ["kill", "--all"]]) {
    it(
      `${words.join(" ")}: a container that does not exist`,
      checked(async (site) => {
        await expectFailure(site, [...words, "missing"], /^tsrun: container missing does not exist(: [^\n]*)?\n$/);
      }),
    );
  }

  for (const id of ["..", ".", "a/b", "a b", "ä", "a".repeat(256)]) {
    for (const words of [["state"], ["delete", "--force"], ["create"], ["run"]]) {
      it(
        `${words.join(" ")}: ${id.length > 9 ? "an id of 256 characters" : JSON.stringify(id)} is no id`,
        checked(async (site) => {
          await expectFailure(site, [...words, id], `invalid container ID format: ${JSON.stringify(id)}: ${ID_RULE}`);
        }),
      );
    }
  }

  it(
    "create: an id that is taken, by a container in any state, which it leaves alone",
    checked(async (site) => {
      const again = () =>
        expectFailure(
          site,
          ["create", "--bundle", site.bundle(LONG), "web"],
          /^tsrun: container with given ID already exists: web(: [^\n]*)?\n$/,
        );
      await site.ok("create", "--bundle", site.bundle(LONG), "web");
      await again();
      expect(await site.status("web")).to.equal("created");
      await site.ok("start", "web");
      await again();
      expect(await site.status("web")).to.equal("running");
      await site.ok("kill", "web", "9");
      await site.waitForStatus("web", "stopped");
      await again();
      await site.ok("delete", "web");
    }),
  );

  it(
    "run: an id that is taken",
    checked(async (site) => {
      await running(site, "web");
      const message = /^tsrun: container with given ID already exists: web(: [^\n]*)?\n$/;
      await expectFailure(site, ["run", "--bundle", site.bundle(["true"]), "web"], message);
      expect(await site.status("web")).to.equal("running");
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "start: twice",
    checked(async (site) => {
      await running(site, "web");
      await expectFailure(site, ["start", "web"], "cannot start an already running container: web");
      expect(await site.status("web")).to.equal("running");
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "start: a stopped container",
    checked(async (site) => {
      await stopped(site, "web");
      await expectFailure(site, ["start", "web"], "cannot start a container that has stopped: web");
      await site.ok("delete", "web");
    }),
  );

  it(
    "start: a created container whose init was killed",
    checked(async (site) => {
      await site.ok("create", "--bundle", site.bundle(LONG), "web");
      await site.ok("kill", "web", "KILL");
      await site.waitForStatus("web", "stopped");
      await expectFailure(site, ["start", "web"], "cannot start a container that has stopped: web");
      await site.ok("delete", "web");
    }),
  );

  it(
    "kill: a stopped container, unless it is all of its processes",
    checked(async (site) => {
      await stopped(site, "web");
      await expectFailure(site, ["kill", "web", "TERM"], "container not running");
      await expectFailure(site, ["kill", "web", "0"], "container not running");
      await site.ok("kill", "--all", "web", "TERM");
      await site.ok("delete", "web");
    }),
  );

  it(
    "delete: a running container, which goes on",
    checked(async (site) => {
      await running(site, "web");
      await expectFailure(site, ["delete", "web"], "cannot delete container web that is not stopped: running");
      expect(await site.status("web")).to.equal("running");
      await site.ok("delete", "--force", "web");
    }),
  );

  for (const { name, file, text, message } of [
    {
      name: "an interpreter that is missing",
      file: "script",
      text: "#!/nope\n",
      message:
        "exec /script: no such file or directory (ENOENT): its interpreter is not in the rootfs (process.args[0])",
    },
    {
      name: "a file that is no program",
      file: "data",
      text: "\u0001",
      message: "exec /data: exec format error (ENOEXEC) (process.args[0])",
    },
  ]) {
    it(
      `start: ${name}, after which the container is stopped`,
      checked(async (site) => {
        const bundle = site.bundle([`/${file}`]);
        await Bun.write(`${bundle}/rootfs/${file}`, text);
        chmodSync(`${bundle}/rootfs/${file}`, 0o755);
        await site.ok("create", "--bundle", bundle, "web");
        await expectFailure(site, ["start", "web"], message);
        await site.waitForStatus("web", "stopped");
        await expectFailure(site, ["start", "web"], "cannot start a container that has stopped: web");
        await site.ok("delete", "web");
      }),
    );
  }

  it(
    "create: a state root that the caller may not write to",
    checked(async (site) => {
      mkdirSync(`${site.folder}/locked`, { mode: 0o700 });
      const nobody = [{ containerID: 0, hostID: 65_534, size: 1 }];
      const bundle = site.bundle(LONG, ({ linux, ...config }) => ({
        ...config,
        mounts: [],
        linux: {
          ...linux,
          uidMappings: nobody,
          gidMappings: nobody,
          namespaces: [...(linux.namespaces ?? []), { type: "user" }],
        },
      }));
      const root = `${site.folder}/locked/state`;
      const words = [
        ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
        ...[TSRUN, "--root", root, "create", "--bundle", bundle, "web"],
      ];
      const { status, stderr } = await startProgram(words).outcome;
      expect({ status, stderr }).to.deep.equal({
        status: 1,
        stderr:
          `tsrun: cannot make ${root}: permission denied (EACCES): ` +
          "name a directory of your own by --root, or by XDG_RUNTIME_DIR\n",
      });
    }),
  );

  it(
    "create: a cgroup with processes of somebody else, who live on",
    checked(async (site) => {
      await running(site, "other");
      const pid = Number((await site.state("other"))["pid"]);
      const cgroup = readIfThere(`/proc/${pid}/cgroup`).match(/:memory:(.*)/)?.[1];
      const bundle = site.bundle(LONG, (config) => ({ ...config, linux: { ...config.linux, cgroupsPath: cgroup } }));
      await expectFailure(
        site,
        ["create", "--bundle", bundle, "web"],
        /^tsrun: container's cgroup is not empty: .* holds 1 process/,
      );
      expect(isAlive(pid)).to.equal(true);
      expect(await site.status("other")).to.equal("running");
      await site.ok("delete", "--force", "other");
    }),
  );

  it(
    "writes errors to standard error in text, and to a text log, when no other format is asked for",
    checked(async (site) => {
      const log = `${site.folder}/text.log`;
      const { status, stderr } = await site.run("--log", log, "state", "missing");
      expect({ status, stderr }).to.deep.equal({ status: 1, stderr: "tsrun: container missing does not exist\n" });
      expect(readFileSync(log, "utf8")).to.match(/^time="[^"]+" level=error msg="container missing does not exist"\n$/);
    }),
  );
});
