import { expect } from "chai";
import { Runc } from "../../lib/testing/runc-beside.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { waitUntil } from "../../lib/testing/runtime-poll.ts";
import { LONG } from "../../lib/testing/runtime-site.ts";

const FAMILY = ["sh", "-c", "sleep 1000 & sleep 1001 & wait"];
const OPTIONS = [
  [],
  ["-ef"],
  ["-e"],
  ["aux"],
  ["ax"],
  ["-o", "pid,ppid,user,uid,comm,args,stat,tty,rss,vsz"],
  ["-eo", "group,gid,sid,pgid,nlwp,ni,s,pid"],
];

/** Pids, times and shares of the processor differ between two containers. */
function normalise(table: string): string {
  return table.replaceAll(/\d+/g, (digits) => "9".repeat(digits.length)).replaceAll(/ {2,}/g, "  ");
}

describe("tsrun ps", () => {
  const checked = useSite();

  it(
    "prints the table that runc gets from ps",
    checked(async (site) => {
      const runc = new Runc(site);
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
      await runc.withContainer(site.bundle(LONG), "web", async () => {
        for (const options of OPTIONS) {
          const ours = normalise(await site.ok("ps", "web", ...options));
          const theirs = normalise(await runc.ok("ps", "web", ...options));
          expect(firstLine(ours), options.join(" ")).to.equal(firstLine(theirs));
          expect(ours.split("\n")).to.have.lengthOf(theirs.split("\n").length);
          expect(ours.split("\n")[1]).to.match(/\S/);
        }
      });
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "finds every process of the container, and none besides",
    checked(async (site) => {
      await site.ok("run", "--detach", "--bundle", site.bundle(FAMILY), "web");
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "other");
      const pids = async () => JSON.parse(await site.ok("ps", "--format", "json", "web")) as readonly number[];
      await waitUntil("three processes", async () => (await pids()).length === 3);
      await waitUntil("two programs", async () =>
        (await site.ok("ps", "web", "-o", "comm=")).includes("sleep\nsleep\n"),
      );
      expect(await site.ok("ps", "web", "-o", "args=")).to.equal(
        "sh -c sleep 1000 & sleep 1001 & wait\nsleep 1000\nsleep 1001\n",
      );
      expect(await pids()).to.include((await site.state("web"))["pid"] as number);
      for (const id of ["web", "other"]) await site.ok("delete", "--force", id);
    }),
  );

  it(
    "has null for the processes of a stopped container, as runc does, and refuses what it does not know",
    checked(async (site) => {
      await site.ok("run", "--detach", "--bundle", site.bundle(["true"]), "web");
      await site.waitForStatus("web", "stopped");
      expect(await site.ok("ps", "--format", "json", "web")).to.equal("null\n");
      expect(await site.ok("ps", "web")).to.match(/^UID +PID +PPID +C STIME TTY +TIME CMD\n$/);
      const refused = await site.run("ps", "web", "--forest");
      expect(refused.status).to.equal(1);
      expect(refused.stderr).to.match(/^tsrun: cannot use the ps option "--forest": must be /);
      await site.ok("delete", "web");
    }),
  );
});

function firstLine(text: string): string | undefined {
  return text.split("\n")[0];
}
