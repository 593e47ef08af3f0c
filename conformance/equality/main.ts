/**
 * Equality: the same bundles run by tsrun and by runc. What a probe inside sees, and what the host sees outside, is equal
 * line by line, or the difference is listed with its reason in differences.ts.
 *
 *   bun conformance/equality/main.ts [--runtime PATH] [--reference PATH] [--only CASE] [--verbose]
 *
 * Needs root, cc, a static busybox and the reference. An unlisted difference is red, and so is a listed one that no longer
 * occurs. The list speaks of tsrun and of runc, 1.1 or later ones; with another runtime every difference is shown.
 */
import { basename, join } from "node:path";
import { readOptions } from "../harness/options.ts";
import { findRuntime, type Runtime, versionOf } from "../harness/runtime.ts";
import { say, Tally } from "../harness/tally.ts";
import { type Workspace, withWorkspace } from "../harness/workspace.ts";
import { allCases } from "./all-cases.ts";
import {
  type AcceptedDifference,
  acceptedBeside,
  compareObservations,
  type Difference,
  findAccepted,
  findStale,
  type Observation,
} from "./compare.ts";
import { ACCEPTED_DIFFERENCES } from "./differences.ts";
import type { EqualityCase } from "./flow.ts";
import { buildHelpers, type Helpers } from "./probe.ts";
import { Session } from "./session.ts";

interface Suite {
  readonly reference: Runtime;
  readonly candidate: Runtime;
  readonly workspace: Workspace;
  readonly helpers: Helpers;
  readonly accepted: readonly AcceptedDifference[];
  readonly used: Set<AcceptedDifference>;
  readonly tally: Tally;
  readonly verbose: boolean;
}

async function observe(suite: Suite, subject: EqualityCase, runtime: Runtime, id: string): Promise<Observation> {
  const { workspace, helpers } = suite;
  const session = new Session({ runtime, workspace, helpers, id });
  try {
    await subject.observe(session);
  } catch (error) {
    session.record("case", [`broke off: ${error instanceof Error ? error.message : String(error)}`]);
  } finally {
    await session.close();
  }
  if (suite.verbose) for (const note of session.notes) say(`  ${runtime.name} ${note}`);
  return session.observation;
}

/** A case in which both break off, or the reference shows nothing, proves nothing. */
function isHollow(observation: Observation): boolean {
  return observation.has("case") || observation.size === 0;
}

async function judge(suite: Suite, subject: EqualityCase, index: number): Promise<void> {
  const stem = `${suite.workspace.tag}-${index}`;
  const reference = await observe(suite, subject, suite.reference, `${stem}r`);
  const candidate = await observe(suite, subject, suite.candidate, `${stem}c`);
  if (suite.verbose) for (const [section, lines] of reference) say(`  [${section}] ${lines.join("\n    ")}`);
  const differences = compareObservations(reference, candidate);
  const open: Difference[] = [];
  const accepted: string[] = [];
  for (const difference of differences) {
    const entry = findAccepted(suite.accepted, subject.name, difference);
    if (entry === undefined) open.push(difference);
    else {
      suite.used.add(entry);
      accepted.push(`      accepted [${difference.section}] ${difference.line}: ${entry.reason}`);
    }
  }
  const lines = open.map(({ section, line }) => `[${section}] ${line}`);
  if (isHollow(reference))
    lines.unshift(`${suite.reference.name} cannot run this case: ${reference.get("case")?.join() ?? "nothing seen"}`);
  if (lines.length > 0) suite.tally.fail(subject.name, lines);
  else suite.tally.pass(subject.name);
  for (const line of accepted) say(line);
}

async function runSuite(suite: Suite, cases: readonly EqualityCase[]): Promise<void> {
  for (const [index, subject] of cases.entries()) await judge(suite, subject, index);
  const names = cases.map((subject) => subject.name);
  // What is said of all cases may well not show in some of them.
  const isWhole = cases.length === allCases().length;
  for (const entry of findStale(suite.accepted, suite.used, names).filter((stale) => isWhole || stale.case !== "*"))
    suite.tally.fail(`${entry.case}: accepted difference`, [`no longer occurs: [${entry.section}] ${entry.pattern}`]);
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    runtime: { type: "string", default: join(import.meta.dir, "../../dist/tsrun") },
    reference: { type: "string", default: "runc" },
    only: { type: "string", multiple: true },
    verbose: { type: "boolean", default: false },
  });
  const tally = new Tally();
  const reference = findRuntime(values.reference);
  const candidate = findRuntime(values.runtime);
  if (reference === undefined || candidate === undefined) {
    tally.fail(`${reference === undefined ? values.reference : values.runtime} is not there`);
    return tally.finish();
  }
  const wanted = values.only;
  const cases = allCases().filter(({ name }) => wanted?.some((part) => name.startsWith(part)) ?? true);
  const version = versionOf(reference);
  const isListed = basename(candidate.path) === "tsrun" && reference.name === "runc";
  const accepted = isListed ? acceptedBeside(ACCEPTED_DIFFERENCES, version) : [];
  say(`${versionOf(candidate)} beside ${version}, ${cases.length} cases`);
  await withWorkspace("equality", (workspace) => {
    const helpers = buildHelpers(join(workspace.folder, "helpers"));
    const used = new Set<AcceptedDifference>();
    return runSuite(
      { reference, candidate, workspace, helpers, accepted, used, tally, verbose: values.verbose },
      cases,
    );
  });
  return tally.finish();
}

process.exitCode = await main();
