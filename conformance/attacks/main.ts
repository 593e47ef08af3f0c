/**
 * Attacks: what has been done to container runtimes, tried on this one. An attack that comes to nothing is passed.
 *
 *   bun conformance/attacks/main.ts [--runtime NAME]… [--only TEXT] [--mutants]
 *
 * Needs root, busybox, util-linux and a C compiler. With several `--runtime` the table has a column for each; known failures
 * of a runtime are listed in failing.NAME.txt, and an unlisted failure is as red as a listed attack that comes to nothing.
 * Each is tried on a copy of the runtime's file; with a runtime that is broken, on a machine that may be.
 * `--mutants` builds tsrun without one defence after the other and wants each attack to succeed there.
 */
import { copyFileSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { loadFailing } from "../harness/failing.ts";
import { readOptions } from "../harness/options.ts";
import { findRuntime, type Runtime, versionOf } from "../harness/runtime.ts";
import { say, Tally } from "../harness/tally.ts";
import { type Workspace, withWorkspace } from "../harness/workspace.ts";
import { ATTACKS } from "./all-attacks.ts";
import type { Attack } from "./attack.ts";
import { AttackSite } from "./attack-site.ts";
import { buildMutant } from "./mutants.ts";

/** What came of an attack on one runtime. */
interface Result {
  readonly verdict: "held" | "broken" | "not tried";
  readonly details: readonly string[];
}

const MAX_DETAILS = 6;

/** Builds what attackers run. @throws {Error} with the compiler's words */
function buildIntruder(folder: string): string {
  const path = join(folder, "intruder");
  const source = join(import.meta.dir, "intruder.c");
  const result = Bun.spawnSync({ cmd: ["cc", "-O1", "-static", "-w", "-o", path, source], stderr: "pipe" });
  if (result.exitCode !== 0) throw new Error(`cannot build intruder.c: ${result.stderr.toString()}`);
  return path;
}

/** A copy of a runtime, which an attack may spoil. */
function copyRuntime(runtime: Runtime, folder: string): Runtime {
  const path = join(mkdtempSync(join(folder, "runtime-")), runtime.name);
  copyFileSync(runtime.path, path);
  return { ...runtime, path, prefix: [...runtime.prefix.slice(0, -1), path] };
}

async function tryAttack(workspace: Workspace, runtime: Runtime, attack: Attack, serial: number): Promise<Result> {
  const id = `${workspace.tag}-${serial}`;
  const site = new AttackSite({ runtime, workspace, intruder: join(workspace.folder, "intruder"), id });
  try {
    const details = await attack.run(site);
    return { verdict: details.length === 0 ? "held" : "broken", details: details.slice(0, MAX_DETAILS) };
  } catch (error) {
    return { verdict: "not tried", details: [error instanceof Error ? error.message : String(error)] };
  } finally {
    await site.remove();
  }
}

function judge(
  tally: Tally,
  { name, isRace }: Pick<Attack, "name" | "isRace">,
  { verdict, details }: Result,
  reason: string | undefined,
): void {
  if (verdict === "not tried") tally.fail(name, ["it could not be tried:", ...details]);
  else if (verdict === "held" && reason === undefined) tally.pass(name);
  else if (verdict === "held" && isRace === true) tally.pass(`${name} (a race that was not won)`);
  else if (verdict === "held") tally.fail(name, ["listed as failing, but it held"]);
  else if (reason === undefined) tally.fail(name, details);
  else tally.pass(`${name} (broken as listed: ${reason})`);
}

async function attackAll(
  workspace: Workspace,
  runtimes: readonly Runtime[],
  attacks: readonly Attack[],
  tally: Tally,
): Promise<void> {
  let serial = 0;
  const rows: string[] = [];
  for (const attack of attacks) {
    const verdicts: string[] = [];
    for (const runtime of runtimes) {
      serial += 1;
      const result = await tryAttack(workspace, runtime, attack, serial);
      const name = runtimes.length === 1 ? attack.name : `${runtime.name} ${attack.name}`;
      judge(tally, { ...attack, name }, result, loadFailing(import.meta.dir, runtime.name).get(attack.name));
      verdicts.push(result.verdict);
    }
    rows.push(`| ${attack.name} | ${attack.row} | ${verdicts.join(" | ")} |`);
  }
  say("");
  say(`| Attack | Known from | ${runtimes.map(({ name }) => name).join(" | ")} |`);
  say(`| --- | --- | ${runtimes.map(() => "---").join(" | ")} |`);
  for (const row of rows) say(row);
  say("");
}

/** A defence that nothing fails without is not tested. */
async function attackMutants(workspace: Workspace, attacks: readonly Attack[], tally: Tally): Promise<void> {
  const built = new Map<string, Runtime>();
  for (const [serial, attack] of attacks.entries()) {
    const { name, mutant } = attack;
    if (mutant === undefined) {
      const isSeen = loadFailing(import.meta.dir, "runc").has(name);
      if (isSeen) tally.pass(`${name}: an older runc is broken by it`);
      else tally.fail(`${name}: nothing shows that it works`);
      continue;
    }
    const folder = join(workspace.folder, `mutant${serial}`);
    const key = JSON.stringify(mutant);
    try {
      const runtime = built.get(key) ?? (await buildMutant(mutant, folder));
      built.set(key, runtime);
      const { verdict, details } = await tryAttack(workspace, runtime, attack, serial);
      if (verdict === "broken") tally.pass(`${name}: ${details[0]}`);
      else tally.fail(`${name}: ${verdict} though the defence is taken away`, details);
    } catch (error) {
      tally.fail(name, [String(error)]);
    }
  }
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    runtime: { type: "string", multiple: true, default: [join(import.meta.dir, "../../dist/tsrun")] },
    only: { type: "string", multiple: true },
    mutants: { type: "boolean", default: false },
  });
  const tally = new Tally();
  const runtimes = values.runtime.map((name) => findRuntime(name) ?? name);
  for (const runtime of runtimes) if (typeof runtime === "string") tally.fail(`${runtime} is not there`);
  const found = runtimes.filter((runtime) => typeof runtime !== "string");
  if (found.length < runtimes.length) return tally.finish();
  for (const runtime of found) say(versionOf(runtime));
  const attacks = ATTACKS.filter(({ name }) => values.only?.some((part) => name.includes(part)) ?? true);
  await withWorkspace("attacks", async (workspace) => {
    buildIntruder(workspace.folder);
    if (values.mutants) await attackMutants(workspace, attacks, tally);
    else {
      const copies = found.map((runtime) => copyRuntime(runtime, workspace.folder));
      await attackAll(workspace, copies, attacks, tally);
    }
  });
  return tally.finish();
}

process.exitCode = await main();
