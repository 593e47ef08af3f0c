/**
 * Leaks: many containers in a row and many at once, and afterwards nothing is left that was not there before.
 *
 *   bun conformance/leaks/main.ts [--runtime PATH] [--row N] [--parallel N]
 *
 * Counts processes, mounts, cgroups, state folders, sockets, keyrings, temporary files, and the descriptors of this process,
 * which is the parent of every runtime process as a shim would be. What others do on the machine at the same time does not
 * count: a thing is ours if it bears the run's names or the runtime's.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultConfig } from "../harness/config.ts";
import { readOptions } from "../harness/options.ts";
import { waitUntil } from "../harness/poll.ts";
import { type Outcome, run } from "../harness/process.ts";
import { makeRootfs } from "../harness/rootfs.ts";
import { findRuntime, type Runtime, versionOf } from "../harness/runtime.ts";
import { say, Tally } from "../harness/tally.ts";
import {
  cgroupsNamed,
  isAlive,
  mountsBelow,
  processesNamed,
  type Workspace,
  withWorkspace,
} from "../harness/workspace.ts";

const SHARED_FOLDERS: readonly string[] = ["/tmp", "/run", "/dev/shm", "/var/tmp"];

/** A folder in which containers of one runtime are made. */
interface Site {
  readonly runtime: Runtime;
  readonly workspace: Workspace;
  readonly root: string;
  readonly scratch: string;
}

/** What there is of one kind: a name a thing. */
type Census = ReadonlyMap<string, readonly string[]>;

function ownDescriptors(): readonly string[] {
  return readdirSync("/proc/self/fd").filter((fd) => existsSync(`/proc/self/fd/${fd}`));
}

function takeCensus({ workspace, root, runtime }: Site): Census {
  const marks = [workspace.folder, workspace.tag];
  const own = (text: string): boolean => marks.some((mark) => text.includes(mark));
  const linesOf = (path: string): readonly string[] => readFileSync(path, "utf8").split("\n");
  const temporary = SHARED_FOLDERS.flatMap((folder) =>
    existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [],
  );
  return new Map([
    ["processes", processesNamed(marks).filter(isAlive).map(String)],
    ["mounts", mountsBelow(workspace.folder)],
    ["cgroups", cgroupsNamed(workspace.tag).filter((path) => path.split(workspace.tag).length > 2)],
    ["state folders", existsSync(root) ? readdirSync(root).filter((name) => own(name)) : []],
    ["sockets", linesOf("/proc/net/unix").filter(own)],
    ["keyrings", linesOf("/proc/keys").filter(own)],
    ["temporary files", temporary.filter((path) => own(path) || path.includes(runtime.name))],
    ["files in the bundles", filesBelow(join(workspace.folder, "bundles"))],
    ["descriptors of the caller", ownDescriptors()],
  ]);
}

function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true }).map(String).sort();
}

/** Things that are there now and were not before. Descriptors are compared by count, their numbers are reused. */
function grown(before: Census, after: Census): readonly string[] {
  return [...after].flatMap(([kind, things]) => {
    const earlier = before.get(kind) ?? [];
    if (kind.startsWith("descriptors"))
      return things.length > earlier.length ? [`${kind}: ${earlier.length} → ${things.length}`] : [];
    const fresh = things.filter((thing) => !earlier.includes(thing));
    return fresh.length === 0 ? [] : [`${kind}: ${fresh.length} more, such as ${fresh.slice(0, 3).join(", ")}`];
  });
}

/** A bundle and a cgroup of its own for every container, on one root filesystem. */
function makeBundle({ workspace }: Site, id: string, args: readonly string[]): string {
  const bundle = join(workspace.folder, "bundles", id);
  mkdirSync(bundle, { recursive: true, mode: 0o711 });
  const config = defaultConfig(args, `/${workspace.tag}/${id}`);
  config.root.path = join(workspace.folder, "rootfs");
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
  return bundle;
}

async function invoke(site: Site, words: readonly string[]): Promise<Outcome> {
  const outcome = await run([...site.runtime.prefix, "--root", site.root, ...words], { scratch: site.scratch });
  if (outcome.status !== 0) throw new Error(`${words[0]}: exit ${outcome.status}: ${outcome.stderr.trim()}`);
  return outcome;
}

/** create, start, wait, delete. */
async function live(site: Site, id: string, bundle: string): Promise<void> {
  const pidFile = join(site.scratch, `${id}.pid`);
  await invoke(site, ["create", "--bundle", bundle, "--pid-file", pidFile, id]);
  const pid = Number(readFileSync(pidFile, "utf8"));
  await invoke(site, ["start", id]);
  await waitUntil("end of the container", () => !isAlive(pid));
  await invoke(site, ["delete", id]);
}

/** Half of them live in three steps, half through `run`. */
async function liveOnce(site: Site, id: string, index: number): Promise<void> {
  const bundle = makeBundle(site, id, ["/bin/true"]);
  if (index % 2 === 0) await live(site, id, bundle);
  else await invoke(site, ["run", "--bundle", bundle, id]);
  rmSync(bundle, { recursive: true });
}

async function measure(site: Site, tally: Tally, name: string, work: () => Promise<void>): Promise<void> {
  await liveOnce(site, `${site.workspace.tag}-warm0`, 0); // what is made once and kept is no leak
  await liveOnce(site, `${site.workspace.tag}-warm1`, 1);
  const before = takeCensus(site);
  const start = performance.now();
  try {
    await work();
    // A keyring and a killed process go a moment after their last user.
    await waitUntil("clean machine", () => grown(before, takeCensus(site)).length === 0).catch(() => undefined);
    const left = grown(before, takeCensus(site));
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    if (left.length === 0) tally.pass(`${name} in ${seconds} s`);
    else tally.fail(name, left);
  } catch (error) {
    tally.fail(name, [error instanceof Error ? error.message : String(error)]);
  }
}

async function inARow(site: Site, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await liveOnce(site, `${site.workspace.tag}-row${index}`, index);
}

async function atOnce(site: Site, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => `${site.workspace.tag}-par${index}`);
  const ends = await Promise.allSettled(ids.map((id, index) => liveOnce(site, id, index)));
  const failures = ends.filter((end) => end.status === "rejected").map((end) => String(end.reason));
  if (failures.length > 0) throw new Error(`${failures.length} of ${count} failed, such as: ${failures[0]}`);
}

/** Containers whose creation fails late must leave as little as those that live. */
async function failing(site: Site, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const id = `${site.workspace.tag}-bad${index}`;
    const bundle = makeBundle(site, id, ["/bin/missing"]);
    const words = [...site.runtime.prefix, "--root", site.root, "run", "--bundle", bundle, id];
    const outcome = await run(words, { scratch: site.scratch });
    if (outcome.status === 0) throw new Error("a missing executable was run");
    rmSync(bundle, { recursive: true });
  }
}

function countOf(text: string, option: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0) throw new TypeError(`cannot use --${option} ${text}: not a count`);
  return count;
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    runtime: { type: "string", default: join(import.meta.dir, "../../dist/tsrun") },
    row: { type: "string", default: "500" },
    parallel: { type: "string", default: "50" },
  });
  const tally = new Tally();
  const runtime = findRuntime(values.runtime);
  if (runtime === undefined) {
    tally.fail(`${values.runtime} is not there`);
    return tally.finish();
  }
  const row = countOf(values.row, "row");
  const parallel = countOf(values.parallel, "parallel");
  say(`${versionOf(runtime)}, ${row} in a row, ${parallel} at once`);
  await withWorkspace("leaks", async (workspace) => {
    const site = {
      runtime,
      workspace,
      root: join(workspace.folder, "state"),
      scratch: join(workspace.folder, "scratch"),
    };
    mkdirSync(site.scratch);
    makeRootfs(join(workspace.folder, "rootfs"));
    await measure(site, tally, `${row} containers in a row`, () => inARow(site, row));
    await measure(site, tally, `${parallel} containers at once`, () => atOnce(site, parallel));
    await measure(site, tally, `${Math.ceil(row / 10)} containers that cannot start`, () =>
      failing(site, Math.ceil(row / 10)),
    );
  });
  return tally.finish();
}

process.exitCode = await main();
