import type { Order } from "./runtime-kill-driver.ts";
import type { Moment } from "./runtime-kill-kernel.ts";
import { waitUntil } from "./runtime-poll.ts";
import { directoriesNamed, entriesOf, isAlive, listPids, pathsBelow, readIfThere, readStatus } from "./runtime-proc.ts";
import { type Program, startProgram } from "./runtime-program.ts";
import type { Site } from "./runtime-site.ts";

/** How many trials run at once: enough to keep two processors busy. */
const WORKERS = 3;
/** How long what was killed may take to be gone; an orphaned setup pauses before it goes on. */
const SETTLE_MS = 30_000;
/** A disturbed operation that takes longer hangs. */
const OPERATION_MS = 30_000;

/** What a trial runs. */
export interface Trial {
  readonly site: Site;
  /** Path of the driver. */
  readonly driver: string;
  readonly bundle: string;
}

/** Bundles the driver into one file, which starts faster than its sources. */
export async function prepareTrial(site: Site, args: readonly string[]): Promise<Trial> {
  const entry = `${import.meta.dir}/runtime-kill-driver.ts`;
  const driver = `${site.folder}/driver.js`;
  // Not in this process, in which the bundler would leave threads and descriptors.
  const built = await startProgram([process.execPath, "build", "--target=bun", `--outfile=${driver}`, entry]).outcome;
  if (built.status !== 0) throw new Error(`cannot build the driver: ${built.stderr}`);
  return { site, driver, bundle: site.bundle(args) };
}

/** Starts the driver on a container of the trial's site. */
export function startDriver({ site, driver }: Trial, order: Omit<Order, "root">): Program {
  const words = [process.execPath, driver, JSON.stringify({ root: site.root, ...order })];
  return startProgram(words, { timeoutMs: OPERATION_MS });
}

/** What the driver says at its end. */
export interface Counts {
  readonly calls: number;
  readonly steps: { readonly setup: number; readonly all: number };
}

/** How many calls an undisturbed operation makes, and how many steps its program has. */
export async function count(trial: Trial, order: Omit<Order, "root" | "at">): Promise<Counts> {
  const { stdout } = await startDriver(trial, { ...order, at: "never" }).outcome;
  return JSON.parse(stdout) as Counts;
}

/** Tries all moments, some at once. Gives one text for each thing that was wrong. */
export async function tryAll(
  moments: readonly Moment[],
  tryOne: (at: Moment, id: string) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const faults: string[] = [];
  const rest = [...moments];
  const work = async (): Promise<void> => {
    for (let at = rest.shift(); at !== undefined; at = rest.shift()) {
      const name = JSON.stringify(at);
      const found = await tryOne(at, `k-${name.replace(/[^a-z0-9]+/g, "")}`);
      faults.push(...found.map((fault) => `${name}: ${fault}`));
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  return faults;
}

/** Writes a bundle with a cgroup of its own on the rootfs of the trial's. Gives its path. */
export async function bundleFor({ site, bundle }: Trial, id: string): Promise<string> {
  const path = `${bundle}-${id}`;
  const config = JSON.parse(readIfThere(`${bundle}/config.json`)) as { root: object; linux: object };
  const linux = { ...config.linux, cgroupsPath: `/${site.tag}/${id}` };
  await Bun.write(`${path}/config.json`, JSON.stringify({ ...config, root: { path: `${bundle}/rootfs` }, linux }));
  return path;
}

/** Runs the built program, which has to succeed without a word; else what was wrong. */
export async function faultsOf(site: Site, ...words: readonly string[]): Promise<readonly string[]> {
  const { status, stderr } = await site.run(...words);
  return status === 0 && stderr === "" ? [] : [`${words.join(" ")}: exit status ${status}: ${stderr.trim()}`];
}

/** What `delete --force` does not remove of a container, with the session of the driver that made it. */
export async function faultsOfDelete(site: Site, id: string, session: number): Promise<readonly string[]> {
  const deleted = await faultsOf(site, "delete", "--force", id);
  // A process that goes on may still make things, so what is left is counted when none does. A process may be born
  // while the others are listed, so that none has to be there twice.
  let quiet = 0;
  await waitUntil(
    "end",
    () => {
      quiet = processesOf(session, site, id).length === 0 ? quiet + 1 : 0;
      return quiet === 2;
    },
    SETTLE_MS,
  ).catch(() => undefined);
  return [...deleted, ...whatIsLeft(site, id, session)];
}

function whatIsLeft(site: Site, id: string, session: number): readonly string[] {
  const paths = [...directoriesNamed("/sys/fs/cgroup", `/${site.tag}/${id}`), ...pathsBelow(site.root)];
  const mounts = readIfThere("/proc/self/mountinfo").split("\n");
  return [
    ...processesOf(session, site, id).map((pid) => `process ${pid}`),
    ...paths.filter((path) => `${path}/`.includes(`/${id}/`)),
    ...mounts.filter((line) => line.includes(site.folder)),
  ].map((thing) => `${thing} is left`);
}

function processesOf(session: number, { tag }: Site, id: string): readonly number[] {
  const inCgroup = (pid: number) =>
    readIfThere(`/proc/${pid}/cgroup`)
      .split("\n")
      .some((line) => line.endsWith(`:/${tag}/${id}`));
  return listPids().filter((pid) => isAlive(pid) && (readStatus(pid)?.session === session || inCgroup(pid)));
}

/** Whether there is a directory of this container in the state root. */
export function isTaken(site: Site, id: string): boolean {
  return entriesOf(site.root).some(({ name }) => name === id);
}
