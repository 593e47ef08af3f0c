/**
 * Times and memory of tsrund beside containerd with runc: the same `ctr` commands at each, in turns, as ratios.
 *
 *   bun conformance/bench/supervisor.ts [--rounds N] [--many 20,200] [--only TEXT] [--no-write]
 *
 * Needs root, containerd with ctr and runc, busybox (static) and tar. Each figure is the median of the rounds; a row of
 * many containers is measured once for each number of `--many`. The table is written to supervisor.md. On a machine
 * that does other work the ratios are worth more than the figures.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Daemon } from "../containerd/daemon.ts";
import { IMAGE, makeArchive, makeImage } from "../containerd/image.ts";
import { waitUntil } from "../harness/poll.ts";
import { type Outcome, run } from "../harness/process.ts";
import { say } from "../harness/tally.ts";
import { processesNamed, readProc, type Workspace, withWorkspace } from "../harness/workspace.ts";
import { Tsrund } from "../supervisor/tsrund.ts";
import { formatTable, type Row } from "./report.ts";
import { median } from "./statistics.ts";

const OWN = "tsrund";
const PEER = "containerd";
const FILES = 20_000;
const IMAGE_BYTES = 200 * 1024 * 1024;
const LARGE = "conformance.local/large:1";
/** What is made at once: a machine with few processors is not to wait for the scheduler. */
const AT_ONCE = 20;

/** One of the two. */
interface Site {
  readonly name: string;
  readonly server: Tsrund | Daemon;
  readonly tag: string;
  readonly scratch: string;
}

interface Work {
  readonly name: string;
  readonly unit: "ms" | "KiB";
  readonly atMost: number;
  /** Measured once: it takes long. */
  readonly once?: true;
  readonly measure: (site: Site, round: number) => Promise<number>;
}

async function ctr(site: Site, ...words: readonly string[]): Promise<Outcome> {
  const outcome = await run(["ctr", "--address", site.server.address, ...words], { scratch: site.scratch });
  if (outcome.status !== 0) throw new Error(`ctr ${words.join(" ")} at ${site.name}: ${outcome.stderr.trim()}`);
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

const SINGLE: readonly Work[] = [
  {
    name: "ctr run --rm true",
    unit: "ms",
    atMost: 0.6,
    measure: (site, round) =>
      time(() => ctr(site, "run", "--rm", "--null-io", IMAGE, `${site.tag}-true${round}`, "/bin/true")),
  },
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
    measure: async (site) => {
      const taken = await time(() => ctr(site, "images", "import", join(site.scratch, "../large/image.tar")));
      await ctr(site, "images", "rm", "--sync", LARGE);
      return taken;
    },
  },
];

function manyWorks(count: number): readonly Work[] {
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
        return median(await Promise.all([time(() => ctr(site, "task", "ls"))]));
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

async function makeLarge(folder: string): Promise<void> {
  const files = join(folder, "files");
  const bytes = Buffer.alloc(IMAGE_BYTES / FILES);
  for (let n = 0; n < FILES; n++) {
    const directory = join(files, String(n % 100));
    if (n < 100) mkdirSync(directory, { recursive: true });
    crypto.getRandomValues(bytes);
    writeFileSync(join(directory, String(n)), bytes);
  }
  await makeArchive(folder, LARGE, [files]);
}

interface Options {
  readonly rounds: number;
  readonly many: readonly number[];
  readonly only: string | undefined;
}

async function measureAll(workspace: Workspace, { rounds, many, only }: Options): Promise<readonly Row[]> {
  const works = [...SINGLE, ...many.flatMap(manyWorks)].filter(({ name }) => only === undefined || name.includes(only));
  const scratch = join(workspace.folder, "scratch");
  mkdirSync(scratch);
  const dist = join(import.meta.dir, "../../dist");
  const sites: readonly Site[] = [
    {
      ...{ name: OWN, tag: `${workspace.tag}-t`, scratch },
      server: new Tsrund(join(workspace.folder, "own"), join(dist, "tsrund")),
    },
    {
      ...{ name: PEER, tag: `${workspace.tag}-c`, scratch },
      server: new Daemon(join(workspace.folder, "peer"), join(dist, "containerd-shim-tsrun-v2")),
    },
  ];
  mkdirSync(join(workspace.folder, "small"));
  const archive = await makeImage(join(workspace.folder, "small"));
  if (works.some(({ name }) => name.startsWith("import"))) await makeLarge(join(workspace.folder, "large"));
  const rows: Row[] = [];
  try {
    for (const site of sites) {
      await site.server.start();
      await ctr(site, "images", "import", archive);
    }
    for (const work of works) {
      const row = await measureRow(work, sites, rounds);
      rows.push(row);
      const [own = 0, peer = 0] = [...row.figures.values()];
      const shown = [own, peer].map((value) => `${value.toFixed(1)} ${work.unit}`.padStart(14)).join("");
      say(`${work.name.padEnd(48)}${shown}${(own / peer).toFixed(2).padStart(8)}`);
    }
  } finally {
    for (const { server } of sites) await server.stop("SIGTERM");
  }
  return rows;
}

async function measureRow(
  { name, unit, atMost, once, measure }: Work,
  sites: readonly Site[],
  rounds: number,
): Promise<Row> {
  const figures = new Map<string, number[]>(sites.map((site) => [site.name, []]));
  for (let round = 0; round < (once ? 1 : rounds); round++) {
    for (const site of sites) figures.get(site.name)?.push(await measure(site, round));
  }
  const medians = new Map([...figures].map(([site, values]) => [site, median(values)]));
  return { name, unit, figures: medians, goals: [{ peer: PEER, atMost }] };
}

const { values: given } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    many: { type: "string", default: "20" },
    only: { type: "string" },
    write: { type: "boolean", default: true },
  },
  allowNegative: true,
});

await withWorkspace("daemonbench", async (workspace) => {
  const many = given.many.split(",").map(Number);
  const rows = await measureAll(workspace, { rounds: Number(given.rounds), many, only: given.only });
  const page = `# tsrund beside containerd\n\nWritten by \`bun conformance/bench/supervisor.ts\`: medians, and their ratios.\n\n`;
  if (given.write && given.only === undefined) {
    writeFileSync(join(import.meta.dir, "supervisor.md"), `${page}${formatTable(rows, [OWN, PEER], OWN)}\n`);
  }
  // What a killed daemon has left is looked for by its folder.
  await waitUntil("end of all shims", () => processesNamed([workspace.tag]).length === 0).catch(() => undefined);
});
