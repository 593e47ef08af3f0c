/** System calls that fail, and processes that are killed at one, by strace(1). */
import { join } from "node:path";
import type { Outcome } from "../../harness/process.ts";
import type { Tally } from "../../harness/tally.ts";
import { type FaultParts, FaultSite, faultsOf } from "../fault-site.ts";
import { type Fault, listPlaces, type Place, type Runner, runAttached, tracingOf } from "../injection.ts";

/** An operation that a fault can hit: what it needs, how it is run, and what has to be true when it succeeds. */
interface Operation {
  readonly name: string;
  /** Makes what it works on. */
  readonly prepare: (site: FaultSite) => Promise<void>;
  readonly runner: (site: FaultSite) => Runner;
  /** The status that the container has then. */
  readonly status: string | undefined;
}

const RUN_DETACHED = (site: FaultSite): readonly string[] => ["run", "--detach", ...site.create.slice(1)];

const PROCESS = JSON.stringify({ args: ["/bin/true"], cwd: "/", env: ["PATH=/bin"], user: { uid: 0, gid: 0 } });
const RESOURCES = JSON.stringify({ pids: { limit: 50 }, memory: { limit: 64 * 1024 * 1024 } });

/** Reads its input from a FIFO in the place of a file. */
function attached(words: (site: FaultSite) => readonly string[], file: string, text: (site: FaultSite) => string) {
  return (site: FaultSite): Runner =>
    (tracing) =>
      runAttached(site, { words: words(site), fifo: join(site.folder, file), text: text(site) }, tracing);
}

/** Traced from its start. */
function launched(words: (site: FaultSite) => readonly string[]) {
  return (site: FaultSite): Runner =>
    (tracing) =>
      site.begin(["strace", "-f", ...tracing, ...site.command(...words(site))]).outcome;
}

const CREATE: Operation = {
  name: "create",
  prepare: () => Promise.resolve(),
  runner: attached(
    (site) => site.create,
    "bundle/config.json",
    (site) => JSON.stringify(site.config),
  ),
  status: "created",
};

const EXEC: Operation = {
  name: "exec",
  prepare: (site) => site.prepare(RUN_DETACHED(site)),
  runner: attached(
    (site) => ["exec", "--process", join(site.folder, "process.json"), site.id],
    "process.json",
    () => PROCESS,
  ),
  status: "running",
};

const UPDATE: Operation = {
  name: "update",
  prepare: (site) => site.prepare(RUN_DETACHED(site)),
  runner: attached(
    (site) => ["update", "--resources", join(site.folder, "resources.json"), site.id],
    "resources.json",
    () => RESOURCES,
  ),
  status: "running",
};

const START: Operation = {
  name: "start",
  prepare: (site) => site.prepare(site.create),
  runner: launched((site) => ["start", site.id]),
  status: "running",
};

const DELETE: Operation = {
  name: "delete",
  prepare: (site) => site.prepare(RUN_DETACHED(site)),
  runner: launched((site) => ["delete", "--force", site.id]),
  status: undefined,
};

/** What hits which operation. start and delete read nothing that could wait: they are killed only. */
const PLAN: readonly (readonly [operation: Operation, faults: readonly Fault[]])[] = [
  [CREATE, ["ENOSPC", "EMFILE", "ENOMEM", "EINTR", "SIGKILL"]],
  [EXEC, ["ENOMEM", "EINTR", "SIGKILL"]],
  [UPDATE, ["ENOSPC", "EINTR", "SIGKILL"]],
  [START, ["SIGKILL"]],
  [DELETE, ["SIGKILL"]],
];

/**
 * close(2) has closed its descriptor on Linux whatever it says; with an injected failure it has not, and what follows from
 * that is nothing that happens. The others have no such errors.
 */
const NEVER_FAILING: readonly string[] = ["close", "close_range", "wait4", "waitid", "getpid", "getppid", "umask"];

function isImpossible(fault: Fault, { call }: Place): boolean {
  if (fault === "SIGKILL") return false;
  // It is not interrupted but ended.
  if (fault === "EINTR" && call === "execve") return true;
  return NEVER_FAILING.includes(call) && !(fault === "EINTR" && call.startsWith("wait"));
}

function judge(fault: Fault, place: Place, outcome: Outcome): readonly string[] {
  if (fault === "SIGKILL") return outcome.status === 1 ? faultsOf(outcome) : [];
  if (fault === "EINTR" && outcome.status !== 0) return [`is not passed over: ${outcome.stderr.trim()}`];
  // A process that cannot write does not say so.
  return faultsOf(outcome, place.call.startsWith("write"));
}

async function hit(parts: FaultParts, operation: Operation, fault: Fault, place: Place): Promise<readonly string[]> {
  const site = new FaultSite(parts, "hit");
  await operation.prepare(site);
  const outcome = await operation.runner(site)(tracingOf(fault, place));
  const found = [...judge(fault, place, outcome)];
  if (outcome.status === 0) found.push(...(await judgeStatus(site, operation, place)));
  found.push(...(await site.clear()));
  site.remove();
  return found.map((text) => `${fault} in ${place.call} ${place.nth}: ${text}`);
}

/** Calls that init makes when the operation has ended: a fault in one of them is init's end. */
const AFTERWARDS: readonly string[] = ["accept4"];

async function judgeStatus(site: FaultSite, { status }: Operation, { call }: Place): Promise<readonly string[]> {
  if (status === undefined) return [];
  const { stdout, stderr } = await site.invoke("state", site.id);
  const allowed = AFTERWARDS.includes(call) ? [status, "stopped"] : [status];
  const isAsExpected = allowed.some((each) => stdout.includes(`"status": "${each}"`));
  return isAsExpected ? [] : [`is not ${status}: ${stdout}${stderr}`];
}

/** Which faults are tried. */
export interface Choice {
  /** How many of each kind for each operation. */
  readonly most: number;
  readonly only: (name: string) => boolean;
}

/** Hits every operation with every fault that it is planned to be hit with. */
export async function judgeInjected(parts: FaultParts, tally: Tally, { most, only }: Choice): Promise<void> {
  for (const [operation, planned] of PLAN) {
    const faults = planned.filter((fault) => only(`${operation.name}: ${fault}`));
    const places = faults.length === 0 ? [] : await placesIn(parts, operation);
    for (const fault of faults) {
      const possible = places.filter((place) => !isImpossible(fault, place));
      const chosen = choose(possible, most);
      const found: string[] = [];
      for (const place of chosen) found.push(...(await hit(parts, operation, fault, place)));
      const title = `${operation.name}: ${fault} in ${chosen.length} of ${possible.length} calls`;
      if (found.length === 0 && chosen.length > 0) tally.pass(title);
      else tally.fail(title, found);
    }
  }
}

async function placesIn(parts: FaultParts, operation: Operation): Promise<readonly Place[]> {
  const site = new FaultSite(parts, "trace");
  await operation.prepare(site);
  const places = await listPlaces(site, operation.runner(site));
  await site.clear();
  site.remove();
  return places;
}

/** As many as asked for, from all parts of the list. */
function choose<T>(items: readonly T[], most: number): readonly T[] {
  const stride = Math.max(1, items.length / most);
  const count = Math.min(items.length, most);
  return Array.from({ length: count }, (_, index) => items[Math.floor(index * stride)]).filter(
    (item): item is T => item !== undefined,
  );
}
