import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { Runc } from "../../lib/testing/runc-beside.ts";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { waitUntil } from "../../lib/testing/runtime-poll.ts";
import { startProgram, TSRUN } from "../../lib/testing/runtime-program.ts";
import { LONG } from "../../lib/testing/runtime-site.ts";

/** Eats memory when there is a file that says so. */
const GREEDY = "x=x; until [ -e /go ]; do sleep 0.05; done; while :; do x=$x$x; done";

/** The keys of a JSON document, in order, with those below; of an array the shape of its first entry. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.entries(value).map(([key, field]) => [key, shape(field)]);
}

interface StatsLine {
  readonly data: { readonly blkio: object; readonly memory: { readonly cache?: number; readonly raw: object } };
}

/** Without what is left out or not as the container has done I/O. */
function withoutChance(line: string): unknown {
  const { data, ...rest } = JSON.parse(line) as StatsLine;
  const { cache: _, ...memory } = data.memory;
  return shape({ ...rest, data: { ...data, blkio: {}, memory } });
}

describe("tsrun events", () => {
  const checked = useSite();

  it(
    "gives the statistics runc gives, key by key",
    checked(async (site) => {
      const runc = new Runc(site);
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
      await site.ok("update", "--pids-limit", "50", "web");
      await runc.withContainer(site.bundle(LONG), "web", async () => {
        await runc.ok("update", "--pids-limit", "50", "web");
        const ours = await site.ok("events", "--stats", "web");
        const theirs = await runc.ok("events", "--stats", "web");
        expect(withoutChance(ours)).to.deep.equal(withoutChance(theirs));
        expect(ours).to.match(/^\{"type":"stats","id":"web","data":\{.*"pids":\{"current":1,"limit":50\}.*\}\}\n$/);
        expect(ours).to.include('"limit":9223372036854771712,');
      });
      await site.ok("delete", "--force", "web");
    }),
  );

  it(
    "prints statistics in every interval and ends with the container",
    checked(async (site) => {
      await site.ok("run", "--detach", "--bundle", site.bundle(LONG), "web");
      const output = `${site.folder}/events`;
      writeFileSync(output, "");
      const command = `exec ${TSRUN} --root ${site.root} events --interval 20ms web > ${output}`;
      const events = startProgram(["sh", "-c", command]);
      await waitUntil("three lines", () => readFileSync(output, "utf8").split("\n").length > 3);
      await site.ok("kill", "web", "KILL");
      expect(await events.outcome).to.deep.include({ status: 0, stderr: "" });
      for (const line of readFileSync(output, "utf8").trim().split("\n")) {
        expect(JSON.parse(line)).to.deep.include({ type: "stats", id: "web" });
      }
      await site.ok("delete", "web");
    }),
  );

  it(
    "tells of an out-of-memory kill, also of the one that ends the container",
    checked(async (site) => {
      const bundle = site.bundle(["sh", "-c", GREEDY]);
      await site.ok("run", "--detach", "--bundle", bundle, "web");
      await site.ok("update", "--memory", "8m", "--memory-swap", "8m", "web");
      const output = `${site.folder}/oom`;
      writeFileSync(output, "");
      const command = `exec ${TSRUN} --root ${site.root} events --interval 10ms web > ${output}`;
      const events = startProgram(["sh", "-c", command]);
      // The first statistics say that it watches.
      await waitUntil("a line", () => readFileSync(output, "utf8") !== "");
      writeFileSync(`${bundle}/rootfs/go`, "");
      expect(await events.outcome).to.deep.include({ status: 0, stderr: "" });
      const lines = readFileSync(output, "utf8").split("\n");
      expect(lines.filter((line) => line === '{"type":"oom","id":"web"}')).to.have.lengthOf(1);
      await site.ok("delete", "web");
    }),
  );

  it(
    "refuses what runc refuses",
    checked(async (site) => {
      await site.ok("run", "--detach", "--bundle", site.bundle(["true"]), "web");
      await site.waitForStatus("web", "stopped");
      const cases: readonly (readonly [words: readonly string[], stderr: RegExp])[] = [
        [["web"], /^tsrun: container with id web is not running\n$/],
        [["--stats", "web"], /^tsrun: container with id web is not running\n$/],
        [["--interval", "0s", "web"], /^tsrun: duration interval must be greater than 0\n$/],
        [["--interval", "5x", "web"], /^tsrun: invalid value "5x" for flag -interval/],
        [["nobody"], /^tsrun: container nobody does not exist\n$/],
      ];
      for (const [words, stderr] of cases) {
        const outcome = await site.run("events", ...words);
        expect(outcome).to.deep.include({ status: 1, stdout: "" });
        expect(outcome.stderr).to.match(stderr);
      }
      await site.ok("delete", "web");
    }),
  );
});
