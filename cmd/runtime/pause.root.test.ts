import { readFileSync } from "node:fs";
import { expect } from "chai";
import { Runc } from "../../lib/testing/runc-beside.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { waitUntil } from "../../lib/testing/runtime-poll.ts";
import { isAlive } from "../../lib/testing/runtime-proc.ts";
import { LONG } from "../../lib/testing/runtime-site.ts";

/** Makes processes all the time, one line in a file for each. */
const FORKS = ["sh", "-c", "while :; do /bin/true; echo >> /count; done"];

describe("tsrun pause, resume", () => {
  const checked = useSite();

  it(
    "stops everything, and lets it go on",
    checked(async (site) => {
      const bundle = site.bundle(FORKS);
      const count = () => Bun.file(`${bundle}/rootfs/count`).size;
      await site.ok("run", "--detach", "--bundle", bundle, "web");
      await waitUntil("line", () => count() > 0);
      expect(await site.ok("pause", "web")).to.equal("");
      expect(await site.status("web")).to.equal("paused");
      expect(await site.ok("list")).to.match(/^web +\d+ +paused /m);
      const before = count();
      // What runs would have written by the time the runtime has been started three times.
      for (let round = 0; round < 3; round++) expect(await site.status("web")).to.equal("paused");
      expect(count()).to.equal(before);
      expect(await site.ok("resume", "web")).to.equal("");
      expect(await site.status("web")).to.equal("running");
      await waitUntil("more lines", () => count() > before);
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "pauses a created container",
    checked(async (site) => {
      await site.ok("create", "--bundle", site.bundle(LONG), "web");
      await site.ok("pause", "web");
      expect(await site.status("web")).to.equal("paused");
      await site.ok("resume", "web");
      expect(await site.status("web")).to.equal("created");
      await site.ok("delete", "web");
    }),
  );

  it(
    "refuses what runc refuses, in its words",
    checked(async (site) => {
      const runc = new Runc(site);
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
      await runc.withContainer(site.bundle(LONG), "web", async () => {
        for (const words of [["resume"], ["pause"], ["pause"], ["resume"], ["resume"]]) {
          const ours = await site.run(...words, "web");
          const theirs = await runc.run(...words, "web");
          expect(ours.status, words.join(" ")).to.equal(theirs.status);
          expect(theirs.stderr).to.include(ours.stderr.replace(/^tsrun: /, "").trim());
        }
      });
      await site.ok("kill", "web", "KILL");
      await site.waitForStatus("web", "stopped");
      expect((await site.run("pause", "web")).stderr).to.equal("tsrun: container not running\n");
      expect((await site.run("resume", "web")).stderr).to.equal("tsrun: container not paused\n");
      await site.ok("delete", "web");
      expect((await site.run("pause", "web")).stderr).to.equal("tsrun: container web does not exist\n");
    }),
  );

  it(
    "leaves a paused container to kill and to delete --force",
    checked(async (site) => {
      for (const end of [
        ["kill", "web", "KILL"],
        ["delete", "--force", "web"],
      ]) {
        const pidFile = `${site.folder}/pid`;
        await site.ok("run", "--detach", "--pid-file", pidFile, "--bundle", site.bundle(LONG), "web");
        await site.ok("pause", "web");
        await site.ok(...end);
        const pid = Number(readFileSync(pidFile, "utf8"));
        await waitUntil(`end of ${pid}`, () => !isAlive(pid));
        await site.ok("delete", "--force", "web");
      }
    }),
  );
});
