import { readFileSync } from "node:fs";
import type { Daemon } from "../containerd/daemon.ts";
import { IMAGE } from "../containerd/image.ts";
import { type Outcome, run } from "../harness/process.ts";
import { processesNamed, readProc } from "../harness/workspace.ts";
import type { Tsrund } from "../supervisor/tsrund.ts";
import { median } from "./statistics.ts";

/** The large image, as an archive names it, and what is in it. */
export const LARGE = "conformance.local/large:1";
export const FILES = 20_000;
export const IMAGE_BYTES = 200 * 1024 * 1024;
/** What is made at once: a machine with few processors is not to wait for the scheduler. */
const AT_ONCE = 20;
/** Lists of tasks of which the median is taken. */
const LISTS = 7;

/** One of the two. */
export interface Site {
  readonly name: string;
  readonly server: Tsrund | Daemon;
  readonly tag: string;
  readonly scratch: string;
  /** The path of our client, and whether `tsctr` stands for it here; elsewhere it stands for `ctr`. */
  readonly tsctr: string;
  readonly isOwn: boolean;
  /** An archive of the large image, and a registry that has it. */
  readonly archive: string;
  readonly registry: string;
}

/** What is measured. */
export interface Work {
  readonly name: string;
  readonly unit: "ms" | "KiB";
  /** The ratio that is the goal; undefined where there is none. */
  readonly atMost: number | undefined;
  /** It takes the large image. */
  readonly isLarge?: true;
  /** Measured once: it takes long. */
  readonly once?: true;
  readonly measure: (site: Site, round: number) => Promise<number>;
}

/** ctr at a daemon. @throws {Error} when it fails */
export async function ctr(site: Site, ...words: readonly string[]): Promise<Outcome> {
  return await ask(site, "ctr", ...words);
}

async function ask(site: Site, client: string, ...words: readonly string[]): Promise<Outcome> {
  const outcome = await run([client, "--address", site.server.address, ...words], { scratch: site.scratch });
  if (outcome.status !== 0) throw new Error(`${client} ${words.join(" ")} at ${site.name}: ${outcome.stderr.trim()}`);
  return outcome;
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

const detach = (site: Site, id: string) => ctr(site, "run", "--detach", "--null-io", IMAGE, id, "/bin/sleep", "1000");

/** Runs `work` for each name, a few at a time. */
async function forEach(ids: readonly string[], atOnce: number, work: (id: string) => Promise<unknown>): Promise<void> {
  const rest = [...ids];
  const worker = async () => {
    for (let id = rest.shift(); id !== undefined; id = rest.shift()) await work(id);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function remove(site: Site, ids: readonly string[]): Promise<void> {
  await forEach(ids, 4, async (id) => {
    await ctr(site, "task", "rm", "--force", id);
    await ctr(site, "container", "rm", id);
  });
}

function names(site: Site, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${site.tag}-${index}`);
}

/** Memory that belongs to a process alone, in KiB. */
function privateKib(pid: number): number {
  return Number(/Private_Dirty:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);
}

/** Measures with so many containers, made before and removed afterwards. */
function withMany(count: number, measure: (site: Site) => Promise<number>) {
  return async (site: Site): Promise<number> => {
    const ids = names(site, count);
    await forEach(ids, 4, (id) => detach(site, id));
    try {
      return await measure(site);
    } finally {
      await remove(site, ids);
    }
  };
}

const runByCtr = (site: Site, round: number) =>
  time(() => ctr(site, "run", "--rm", "--null-io", IMAGE, `${site.tag}-true${round}`, "/bin/true"));
const runByTsctr = (site: Site) => time(() => ask(site, site.tsctr, "run", "--rm", IMAGE, "/bin/true"));

/** Works with one container or image at a time. */
export const SINGLE: readonly Work[] = [
  { name: "ctr run --rm true", unit: "ms", atMost: 0.6, measure: runByCtr },
  {
    name: "tsctr run --rm true, beside ctr",
    unit: "ms",
    atMost: 0.3,
    measure: (site, round) => (site.isOwn ? runByTsctr(site) : runByCtr(site, round)),
  },
  { name: "tsctr run --rm true, at both daemons", unit: "ms", atMost: undefined, measure: runByTsctr },
  {
    name: "ctr task exec true",
    unit: "ms",
    atMost: 1,
    measure: async (site) => {
      const id = `${site.tag}-exec`;
      await detach(site, id);
      const taken = await time(() => ctr(site, "task", "exec", "--exec-id", "e", id, "/bin/true"));
      await remove(site, [id]);
      return taken;
    },
  },
  {
    name: "import and unpack, 200 MB in 20,000 files",
    unit: "ms",
    atMost: 1,
    once: true,
    isLarge: true,
    measure: async (site) => {
      const taken = await time(() => ctr(site, "images", "import", site.archive));
      await ctr(site, "images", "rm", "--sync", LARGE);
      return taken;
    },
  },
  {
    name: "pull from a registry and unpack, the same image",
    unit: "ms",
    atMost: 1,
    once: true,
    isLarge: true,
    measure: async (site) => {
      const image = `${site.registry}/large:1`;
      const taken = await time(() => ctr(site, "images", "pull", "--plain-http", image));
      await ctr(site, "images", "rm", "--sync", image);
      return taken;
    },
  },
];

/** Works with so many containers. */
export function manyWorks(count: number): readonly Work[] {
  const made = (atOnce: number) => async (site: Site) => {
    const ids = names(site, count);
    const taken = await time(() => forEach(ids, atOnce, (id) => detach(site, id)));
    await remove(site, ids);
    return taken;
  };
  const common = { unit: "ms", atMost: 1, once: true } as const;
  return [
    { ...common, name: `${count} detached in a row`, measure: made(1) },
    { ...common, name: `${count} detached, ${AT_ONCE} at once`, measure: made(AT_ONCE) },
    {
      ...common,
      name: `ctr task ls with ${count} tasks`,
      measure: withMany(count, async (site) => {
        await ctr(site, "task", "ls");
        const times: number[] = [];
        for (let n = 0; n < LISTS; n++) times.push(await time(() => ctr(site, "task", "ls")));
        return median(times);
      }),
    },
    {
      ...common,
      unit: "KiB",
      name: `private memory of the daemon with ${count} tasks`,
      measure: withMany(count, (site) => Promise.resolve(privateKib(site.server.pid))),
    },
    {
      ...common,
      unit: "KiB",
      name: `private memory of ${count} shims`,
      measure: withMany(count, (site) => {
        const shims = processesNamed([`\0${site.tag}-`]).filter((pid) => readProc(pid, "cmdline").includes("shim"));
        return Promise.resolve(shims.reduce((sum, pid) => sum + privateKib(pid), 0));
      }),
    },
    {
      ...common,
      name: `restart with ${count} tasks, up to the first list`,
      measure: withMany(count, async (site) => {
        await site.server.stop("SIGKILL");
        return await time(async () => {
          await site.server.start();
          const { stdout } = await ctr(site, "task", "ls");
          if ((stdout.match(/RUNNING/g)?.length ?? 0) < count) throw new Error(`${site.name} has lost tasks`);
        });
      }),
    },
  ];
}
