import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../harness/poll.ts";
import type { Outcome, Running } from "../harness/process.ts";
import type { Tally } from "../harness/tally.ts";
import { CONTAINER_OPERATIONS, imageOperations, type Operation } from "./operations.ts";
import { pullOperation, startRegistry } from "./pull.ts";
import { type Setting, Site } from "./site.ts";

/** A kill comes up to this much later than the operation takes when nothing is killed. */
const BEYOND = 1.2;
/** Descriptors that a daemon may have open or not. */
const FD_SLACK = 5;
/** The status of a program that takes longer than a program may. */
const KILLED = 137;

function isWanted({ name }: Operation, { operation }: Setting): boolean {
  return operation === undefined || operation === name;
}

/** Starts an operation. */
function ask(site: Site, { client = "ctr", words }: Operation, id: string): Running {
  return site.start(client, ...words(id));
}

/** How a client has ended. @throws {Error} for one that had to be killed */
async function ended(client: Running, { name }: Operation): Promise<Outcome> {
  const outcome = await client.outcome;
  if (outcome.status === KILLED) throw new Error(`the client that asks for ${name} does not end`);
  return outcome;
}

/** How long an operation takes, in milliseconds. */
async function measure(site: Site, operation: Operation, id: string): Promise<number> {
  await operation.prepare(site, id);
  const begin = performance.now();
  const { status, stdout } = await ask(site, operation, id).outcome;
  const tookMs = performance.now() - begin;
  await operation.check(site, id, { isDone: status === 0, stdout });
  await site.remove(id);
  return tookMs;
}

/** Runs rounds and tells of them as of one; a failure says at which moment it was. */
async function inRounds(
  tally: Tally,
  name: string,
  { rounds }: Setting,
  round: (n: number) => Promise<string>,
): Promise<void> {
  const done: string[] = [];
  try {
    for (let n = 0; n < rounds; n++) done.push(await round(n));
    tally.pass(`${name}: ${rounds} times, acknowledged ${done.filter((each) => each === "done").length}`);
  } catch (error) {
    tally.fail(name, [`in round ${done.length}`, ...String(error instanceof Error ? error.stack : error).split("\n")]);
  }
}

/** SIGKILL of the daemon in every phase of what it does. What was acknowledged is there, and the rest can be done again. */
export async function killDaemon(setting: Setting, tally: Tally): Promise<void> {
  const site = new Site(setting, join(setting.folder, "daemon"));
  await site.daemon.start();
  try {
    await using registry = await startRegistry(setting);
    const operations = [pullOperation(setting, registry), ...imageOperations(setting), ...CONTAINER_OPERATIONS];
    if (!operations.some((each) => isWanted(each, setting))) throw new Error(`no operation ${setting.operation}`);
    // Containers are made of the image.
    await site.ok("images", "import", setting.archive);
    for (const operation of operations.filter((each) => isWanted(each, setting))) {
      const tookMs = await measure(site, operation, `${setting.tag}-measure`);
      await inRounds(tally, `tsrund killed during ${operation.name}`, setting, async (n) => {
        const id = `${setting.tag}-${operation.name}${n}`;
        await operation.prepare(site, id);
        const delayMs = setting.random() * tookMs * BEYOND;
        const client = ask(site, operation, id);
        await Bun.sleep(delayMs);
        await site.daemon.stop("SIGKILL");
        try {
          await site.fsck({ orphans: "allowed" });
        } finally {
          await site.daemon.start();
        }
        // A client that writes content asks until a daemon answers, and goes on with this one; others have ended.
        const { status, stdout } = await ended(client, operation).catch(at(site, delayMs));
        await operation.check(site, id, { isDone: status === 0, stdout }).catch(at(site, delayMs));
        await site.remove(id).catch(at(site, delayMs));
        await site.expectNothingLeft().catch(at(site, delayMs));
        return status === 0 ? "done" : "not done";
      });
    }
    await site.daemon.stop("SIGTERM");
    await site.fsck({ orphans: "forbidden" }).then(
      () => tally.pass("the store is whole afterwards"),
      (error) => tally.fail("the store is whole afterwards", [String(error)]),
    );
  } finally {
    await site.daemon.stop("SIGTERM");
  }
}

const LOG_LINES = 8;

/** Says at which moment it was, and what the daemon had to say. */
function at(site: Site, delayMs: number): (cause: unknown) => never {
  return (cause) => {
    const log = readFileSync(join(site.daemon.folder, "tsrund.log"), "utf8").trim().split("\n").slice(-LOG_LINES);
    const why = cause instanceof Error ? cause.message : cause;
    throw new Error(`killed after ${delayMs.toFixed(1)} ms: ${why}\n${log.join("\n")}`, { cause });
  };
}

/** SIGKILL of the shim. Its task goes on or is gone, and can be removed; the daemon loses no descriptor by it. */
export async function killShim(setting: Setting, tally: Tally): Promise<void> {
  const site = new Site(setting, join(setting.folder, "shim"));
  await site.daemon.start();
  try {
    await site.ok("images", "import", setting.archive);
    const operations = CONTAINER_OPERATIONS.filter((each) => each.name !== "create" && isWanted(each, setting));
    const times = new Map<string, number>();
    for (const each of operations) times.set(each.name, await measure(site, each, `${setting.tag}-measure`));
    const before = site.descriptors();
    for (const operation of operations) {
      await inRounds(tally, `shim killed during ${operation.name}`, setting, async (n) => {
        const id = `${setting.tag}-s${operation.name}${n}`;
        await operation.prepare(site, id);
        const delayMs = setting.random() * (times.get(operation.name) ?? 0) * BEYOND;
        const client = ask(site, operation, id);
        await Bun.sleep(delayMs);
        const shim = site.findShim(id);
        if (shim !== undefined) process.kill(shim, "SIGKILL");
        const { status, stdout } = await ended(client, operation).catch(at(site, delayMs));
        await operation.check(site, id, { isDone: status === 0, stdout }).catch(at(site, delayMs));
        await site.remove(id).catch(at(site, delayMs));
        await site.expectNothingLeft().catch(at(site, delayMs));
        return status === 0 ? "done" : "not done";
      });
    }
    const few = async () => await waitUntil("end of descriptors", () => site.descriptors() <= before + FD_SLACK);
    await few().then(
      () => tally.pass("no descriptor is left open by killed shims"),
      () => tally.fail("no descriptor is left open by killed shims", [`${before} before, ${site.descriptors()} now`]),
    );
  } finally {
    await site.daemon.stop("SIGTERM");
  }
}
