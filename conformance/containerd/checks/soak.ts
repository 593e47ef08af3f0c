import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { waitUntil } from "../../harness/poll.ts";
import { cgroupsNamed, isAlive, processesNamed } from "../../harness/workspace.ts";
import { IMAGE } from "../image.ts";
import { shimSocket } from "../leftovers.ts";
import type { Check, Site } from "../site.ts";
import { shimOf } from "./faults.ts";

const SLEEP = ["/bin/sleep", "100000"];
/** Tasks before the first census: what is loaded and opened once is no leak. */
const WARM_UP = 5;
/** A descriptor that comes and goes, such as that of a connection. */
const SLACK = 3;
/** Every so many tasks one joins the shim that stays. */
const GROUPED = 2;

/** What must not grow, after tasks with the numbers below `count`. Other daemons' sockets are in the same directory. */
function census(site: Site, { tag, shim, count }: { tag: string; shim: number; count: number }) {
  const fifos = `${site.folder}/fifo`;
  return {
    processes: processesNamed([`\0${tag}`]).filter(isAlive).length,
    fifos: existsSync(fifos) ? readdirSync(fifos, { recursive: true }).length : 0,
    sockets: Array.from({ length: count }, (_, index) => shimSocket(site.daemon, `${tag}${index}`)).filter(existsSync)
      .length,
    mounts: readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(tag)).length,
    cgroups: cgroupsNamed(tag).length,
    descriptors: readdirSync(`/proc/${shim}/fd`).length,
  };
}

/** `count` tasks in a row: every other one in a shim of its own, and the others in one that stays. */
export function soakCheck(count: number): Check {
  return {
    name: `${count} tasks in a row leave nothing`,
    run: async (site) => {
      const tag = site.id("soak");
      const group = ["--annotation", `io.containerd.runc.v2.group=${tag}`];
      const stays = await site.detach(group, ...SLEEP);
      const shim = shimOf(site, stays);
      const one = async (index: number): Promise<void> => {
        const id = `${tag}${index}`;
        const options = ["--rm", ...(index % GROUPED === 0 ? group : [])];
        const words = ["run", "--runtime", site.runtime, "--fifo-dir", `${site.folder}/fifo`, ...options, IMAGE, id];
        const { status, stdout } = await site.daemon.ctr(
          ...words,
          "/bin/sh",
          "-c",
          `echo ${index}; exit ${index % 100}`,
        );
        expect({ status, stdout }).to.deep.equal({ status: index % 100, stdout: `${index}\n` });
      };
      for (let index = 0; index < WARM_UP; index++) await one(index);
      const before = census(site, { tag, shim, count });
      for (let index = WARM_UP; index < count; index++) await one(index);
      const grown = () =>
        Object.entries(census(site, { tag, shim, count })).filter(([what, now]) => {
          const then = before[what as keyof typeof before];
          return now > then + (what === "descriptors" ? SLACK : 0);
        });
      await waitUntil("census as before", () => grown().length === 0).catch(() => undefined);
      expect(grown()).to.deep.equal([]);
    },
  };
}
