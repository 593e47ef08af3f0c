/**
 * Times and memory of this shim beside containerd's own with runc, through one containerd, in turns, as ratios.
 *
 *   bun conformance/containerd/bench.ts [--rounds N] [--shim PATH]
 *
 * Needs what the suite needs. Each figure is the median of the rounds. On a machine that does other work the ratios are
 * worth more than the figures.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readOptions } from "../harness/options.ts";
import { say } from "../harness/tally.ts";
import { processesNamed, type Workspace, withWorkspace } from "../harness/workspace.ts";
import { Daemon } from "./daemon.ts";
import { IMAGE, makeImage } from "./image.ts";

const OWN = "io.containerd.tsrun.v2";
const PEER = "io.containerd.runc.v2";
const MANY = 20;
const THROUGHPUT_MB = 256;

/** Where one runtime is measured. */
interface Site {
  readonly daemon: Daemon;
  readonly runtime: string;
  readonly tag: string;
}

/** One figure, and its unit. */
interface Work {
  readonly name: string;
  readonly unit: "ms" | "kB";
  readonly measure: (site: Site) => Promise<number>;
}

async function ctr({ daemon }: Site, ...words: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await daemon.ctr(...words);
  if (status !== 0) throw new Error(`ctr ${words.join(" ")}: ${stderr.trim()}`);
  return stdout;
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

async function detach(site: Site, id: string, options: readonly string[] = []): Promise<void> {
  const words = ["run", "--detach", "--null-io", "--runtime", site.runtime, ...options, IMAGE, id];
  await ctr(site, ...words, "/bin/sleep", "1000");
}

async function remove(site: Site, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await site.daemon.ctr("task", "rm", "--force", id);
    await site.daemon.ctr("container", "rm", id);
  }
}

/** Runs `work` with a name for each of `MANY` containers, which are removed afterwards. */
async function withMany(site: Site, work: (ids: readonly string[]) => Promise<number>): Promise<number> {
  const ids = Array.from({ length: MANY }, (_, index) => `${site.tag}-${index}`);
  try {
    return await work(ids);
  } finally {
    await remove(site, ids);
  }
}

/** Memory that belongs to the shims alone. */
function privateKb(site: Site): number {
  const shims = processesNamed([`\0${site.tag}-`]).filter((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("containerd-shim"),
  );
  const dirty = shims.map((pid) => readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  return dirty.reduce((sum, text) => sum + Number(/Private_Dirty:\s+(\d+)/.exec(text)?.[1]), 0);
}

const WORKS: readonly Work[] = [
  {
    name: "ctr run --rm true",
    unit: "ms",
    measure: (site) => {
      const words = ["run", "--rm", "--null-io", "--runtime", site.runtime, IMAGE, `${site.tag}-true`, "/bin/true"];
      return time(() => ctr(site, ...words));
    },
  },
  {
    name: "ctr task exec true",
    unit: "ms",
    measure: async (site) => {
      await detach(site, `${site.tag}-exec`);
      const exec = () => ctr(site, "task", "exec", "--exec-id", "e", `${site.tag}-exec`, "/bin/true");
      await exec();
      const taken = await time(exec);
      await remove(site, [`${site.tag}-exec`]);
      return taken;
    },
  },
  {
    name: `${MANY} detached in a row`,
    unit: "ms",
    measure: (site) =>
      withMany(site, (ids) =>
        time(async () => {
          for (const id of ids) await detach(site, id);
        }),
      ),
  },
  {
    name: `${MANY} detached at once`,
    unit: "ms",
    measure: (site) => withMany(site, (ids) => time(() => Promise.all(ids.map((id) => detach(site, id))))),
  },
  {
    name: `private memory of ${MANY} shims`,
    unit: "kB",
    measure: (site) =>
      withMany(site, async (ids) => {
        for (const id of ids) await detach(site, id);
        return privateKb(site);
      }),
  },
  {
    name: `private memory of a shim with ${MANY} tasks`,
    unit: "kB",
    measure: (site) =>
      withMany(site, async (ids) => {
        const group = ["--annotation", `io.containerd.runc.v2.group=${site.tag}`];
        for (const id of ids) await detach(site, id, group);
        return privateKb(site);
      }),
  },
  {
    name: `${THROUGHPUT_MB} MB of output`,
    unit: "ms",
    measure: (site) => {
      const program = ["/bin/dd", "if=/dev/zero", "bs=1M", `count=${THROUGHPUT_MB}`];
      const words = ["run", "--rm", "--runtime", site.runtime, IMAGE, `${site.tag}-out`, ...program];
      return time(() => site.daemon.shell(`ctr ${words.join(" ")} >/dev/null`));
    },
  },
];

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;
}

async function compare(workspace: Workspace, daemon: Daemon, rounds: number): Promise<void> {
  for (const [index, { name, unit, measure }] of WORKS.entries()) {
    const figures = new Map<string, number[]>([
      [OWN, []],
      [PEER, []],
    ]);
    for (let round = 0; round < rounds; round++) {
      for (const [runtime, values] of figures) {
        const tag = `${workspace.tag}-${index}x${round}${runtime === OWN ? "t" : "r"}`;
        values.push(await measure({ daemon, runtime, tag }));
      }
    }
    const [own = 0, peer = 0] = [...figures.values()].map(median);
    const shown = [own, peer].map((value) => `${value.toFixed(unit === "ms" ? 1 : 0)} ${unit}`.padStart(12));
    say(`${name.padEnd(42)}${shown.join("")}${(own / peer).toFixed(2).padStart(8)}`);
  }
}

const values = readOptions(import.meta.path, {
  rounds: { type: "string", default: "5" },
  shim: { type: "string", default: join(import.meta.dir, "../../dist/containerd-shim-tsrun-v2") },
});

await withWorkspace("shimbench", async (workspace) => {
  const daemon = new Daemon(join(workspace.folder, "daemon"), values.shim);
  await daemon.start();
  try {
    const folder = join(workspace.folder, "image");
    mkdirSync(folder);
    await daemon.ctr("image", "import", await makeImage(folder));
    say(`${"".padEnd(42)}${"tsrun".padStart(12)}${"runc".padStart(12)}${"ratio".padStart(8)}`);
    await compare(workspace, daemon, Number(values.rounds));
  } finally {
    await daemon.stop("SIGTERM");
  }
});
