/**
 * Soak: many containers in a row, and many at once, through tsrun and through tsrund with its shims. Afterwards nothing is
 * left of them, and what stays has not grown.
 *
 *   bun conformance/soak/main.ts [--count N] [--at-once N] [--only tsrun|tsrund] [--times]
 *
 * Needs root and busybox. 10,000 in a row and 200 at once without options. With `--times`, which needs a machine that does
 * nothing else, the last tenth must not take much longer than the first.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readOptions } from "../harness/options.ts";
import { waitUntil } from "../harness/poll.ts";
import { makeRootfs } from "../harness/rootfs.ts";
import { say, Tally } from "../harness/tally.ts";
import { withWorkspace } from "../harness/workspace.ts";
import { byDaemon, byRuntime, census, type Ground, type Way } from "./lives.ts";

const TSRUN = join(import.meta.dir, "../../dist/tsrun");
/** How long what has ended may take to be gone. */
const SETTLE_MS = 60_000;
/** How many are under way at the same time while many are begun. */
const WIDTH = 8;
/** Of a process that stays: what a heap may grow by between two collections, whatever the count. */
const GROWTH_KB = 24 * 1024;
/** A descriptor that comes and goes. */
const SLACK_FDS = 4;
/** The last tenth beside the first. */
const SLOWDOWN = 1.5;

/** What one process has. */
interface Size {
  readonly privateKb: number;
  readonly descriptors: number;
}

function sizeOf(pid: number): Size {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const values = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+)/gm)].map(([, kb]) => Number(kb));
  return {
    privateKb: values.reduce((sum, kb) => sum + kb, 0),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** Fails for what was not there before. @throws {Error} */
async function expectAsBefore(way: Way, ground: Ground, before: readonly string[]): Promise<void> {
  const grown = () => census(way, ground).filter((thing) => !before.includes(thing));
  await waitUntil("clean machine", () => grown().length === 0, SETTLE_MS).catch(() => undefined);
  const left = grown();
  if (left.length > 0) throw new Error(`${left.length} things are left, such as ${left.slice(0, 5).join(", ")}`);
}

function judgeSizes(way: Way, before: ReadonlyMap<string, Size>): readonly string[] {
  return way.staying().flatMap(([name, pid]) => {
    const [then, now] = [before.get(name), sizeOf(pid)];
    if (then === undefined || pid === process.pid) return [];
    say(
      `      ${name}: ${then.privateKb} → ${now.privateKb} KiB private, ${then.descriptors} → ${now.descriptors} descriptors`,
    );
    const memory = now.privateKb - then.privateKb > GROWTH_KB ? [`${name} has grown to ${now.privateKb} KiB`] : [];
    const open = now.descriptors - then.descriptors > SLACK_FDS ? [`${name} has ${now.descriptors} descriptors`] : [];
    return [...memory, ...open];
  });
}

async function inARow(way: Way, ground: Ground, count: number, areTimesJudged: boolean): Promise<readonly string[]> {
  const tenth = Math.max(1, Math.floor(count / 10));
  const tenths: number[] = [];
  // What is loaded, opened and grown once is no leak: sizes are compared from the second tenth on.
  let sizes = new Map<string, Size>();
  let before: readonly string[] = [];
  for (let serial = 0; serial < tenth * 10; serial++) {
    if (serial % tenth === 0) tenths.push(performance.now());
    if (serial === tenth) {
      before = census(way, ground);
      sizes = new Map(way.staying().map(([name, pid]) => [name, sizeOf(pid)]));
    }
    await way.live(serial);
  }
  tenths.push(performance.now());
  const spent = tenths.slice(1).map((at, index) => (at - (tenths[index] ?? at)) / tenth);
  const [first = 0, last = 0] = [spent.at(0), spent.at(-1)];
  say(`      ${first.toFixed(1)} ms each in the first tenth, ${last.toFixed(1)} in the last`);
  await expectAsBefore(way, ground, before);
  const slow =
    areTimesJudged && last > first * SLOWDOWN ? [`the last tenth takes ${(last / first).toFixed(2)} times`] : [];
  return [...judgeSizes(way, sizes), ...slow];
}

/** Runs `work` for each serial, a few at the same time. */
async function forEach(serials: readonly number[], work: (serial: number) => Promise<void>): Promise<void> {
  const rest = [...serials];
  const worker = async (): Promise<void> => {
    for (let serial = rest.shift(); serial !== undefined; serial = rest.shift()) await work(serial);
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
}

/** All of them run when the last one has begun. */
async function atOnce(
  way: Way,
  ground: Ground,
  { first, count }: { first: number; count: number },
): Promise<readonly string[]> {
  const before = census(way, ground);
  const sizes = new Map(way.staying().map(([name, pid]) => [name, sizeOf(pid)]));
  const serials = Array.from({ length: count }, (_, index) => first + index);
  await forEach(serials, way.begin);
  const records = way.records().length;
  await forEach(serials, way.end);
  await expectAsBefore(way, ground, before);
  const fewer = records === count ? [] : [`${records} of ${count} were there at once`];
  return [...fewer, ...judgeSizes(way, sizes)];
}

async function judge(tally: Tally, title: string, work: () => Promise<readonly string[]>): Promise<void> {
  const begin = performance.now();
  const found = await work().catch((error: unknown) => [error instanceof Error ? error.message : String(error)]);
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  if (found.length === 0) tally.pass(`${title} (${seconds} s)`);
  else tally.fail(title, found);
}

function countOf(text: string, option: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new TypeError(`cannot use --${option} ${text}: not a count`);
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    count: { type: "string", default: "10000" },
    "at-once": { type: "string", default: "200" },
    only: { type: "string" },
    times: { type: "boolean", default: false },
  });
  const count = countOf(values.count, "count");
  const parallel = countOf(values["at-once"], "at-once");
  const tally = new Tally();
  await withWorkspace("soak", async (workspace) => {
    const rootfs = join(workspace.folder, "rootfs");
    makeRootfs(rootfs);
    const ground = { workspace, rootfs };
    const ways = {
      tsrun: () => Promise.resolve(byRuntime(ground, TSRUN)),
      tsrund: () => byDaemon(ground),
    };
    for (const [name, open] of Object.entries(ways)) {
      if (values.only !== undefined && values.only !== name) continue;
      const way = await open();
      await judge(tally, `${count} in a row through ${name}`, () => inARow(way, ground, count, values.times));
      await judge(tally, `${parallel} at once through ${name}`, () =>
        atOnce(way, ground, { first: count, count: parallel }),
      );
      await way.close();
    }
  });
  return tally.finish();
}

process.exitCode = await main();
