/**
 * oci: every MUST and SHOULD of runtime-spec 1.3, looked at one by one. A probe inside the container observes, the suite
 * decides.
 *
 *   bun conformance/oci/main.ts [--runtime NAME] [--only ID|SCENARIO] [--short] [--tap] [--verbose] [--programs DIR]
 *   bun conformance/oci/main.ts --upstream DIR [--runtime NAME] [--only PROGRAM] [--failing FILE]
 *   bun conformance/oci/main.ts --write-coverage
 *
 * Needs root and cc, or the suite's programs ready in DIR. Of the runtime it uses `create --bundle`, `start`, `state`, `kill`
 * and `delete`, the option `--root`, `--console-socket` where there is a terminal, and `features` where it has that.
 * failing.txt lists what tsrun is known not to meet, failing.NAME.txt another runtime, with the reasons: an unlisted failure
 * is red, and so is a listed requirement that holds. `--upstream` runs prebuilt test programs that speak TAP instead.
 */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadFailing } from "../harness/failing.ts";
import { readOptions } from "../harness/options.ts";
import { findRuntime, type Runtime, versionOf } from "../harness/runtime.ts";
import { say, Tally } from "../harness/tally.ts";
import { type Workspace, withWorkspace } from "../harness/workspace.ts";
import { renderCoverage } from "./coverage.ts";
import { loadRequirements, type Requirement } from "./requirements.ts";
import { allScenarios } from "./scenarios/all.ts";
import { type Helpers, type Scenario, Stage } from "./stage.ts";
import { judgeUpstreamTests } from "./upstream.ts";
import { Findings, isRed, type Verdict } from "./verdicts.ts";

const COVERAGE = join(import.meta.dir, "coverage.md");

/** The programs of the suite: compiled here, or those of `prebuilt`, for a machine without a compiler. */
function makeHelpers(folder: string, prebuilt: string | undefined): Helpers {
  mkdirSync(folder);
  const make = (name: string): string => {
    const output = join(folder, name);
    if (prebuilt !== undefined) {
      cpSync(join(prebuilt, name), output);
      return output;
    }
    const words = ["cc", "-O1", "-static", "-s", "-w", "-o", output, join(import.meta.dir, `${name}.c`)];
    const { exitCode, stderr } = Bun.spawnSync(words, { stderr: "pipe" });
    if (exitCode !== 0) throw new Error(`cannot build ${name}.c: ${stderr.toString()}`);
    return output;
  };
  return { probe: make("probe"), receive: make("receive") };
}

interface Suite {
  readonly runtime: Runtime;
  readonly workspace: Workspace;
  readonly style: Style;
}

/** How the suite runs and what it prints. */
interface Style {
  readonly tap: boolean;
  readonly verbose: boolean;
  readonly programs: string | undefined;
}

async function playAll({ runtime, workspace, style }: Suite, scenarios: readonly Scenario[]): Promise<Findings> {
  const findings = new Findings();
  const helpers = makeHelpers(join(workspace.folder, "helpers"), style.programs);
  const requirements = loadRequirements();
  for (const [index, scenario] of scenarios.entries()) {
    // The letters keep one name from being the beginning of another.
    const stage = new Stage({ runtime, workspace, helpers, findings, id: `${workspace.tag}n${index}z` });
    const begin = performance.now();
    try {
      await scenario.play(stage);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const own = requirements.filter((each) => each.scenarios.includes(scenario.name));
      for (const { id } of own) findings.fault(id, `${scenario.name} broke off: ${why}`);
    } finally {
      await stage.close();
    }
    if (style.verbose) say(`# ${scenario.name}: ${Math.round(performance.now() - begin)} ms`);
  }
  return findings;
}

function tallyVerdict(tally: Tally, verdict: Verdict, reason: string | undefined): void {
  const { requirement, outcome, details } = verdict;
  const title = `${requirement.id} ${requirement.level.padEnd(6)} ${requirement.sentence}`;
  const listed = reason === undefined ? "" : ` (fails as listed: ${reason})`;
  if (outcome === "skipped") tally.skip(title, details.join("; "));
  else if (!isRed(verdict, reason)) tally.pass(`${title}${outcome === "failed" ? listed : ""}`);
  else tally.fail(title, outcome === "failed" ? details : ["listed as failing, but it holds"]);
}

/** Test Anything Protocol 13. What is listed as failing is a `TODO`. */
function tapLine({ requirement, outcome, details }: Verdict, number: number, reason: string | undefined): string {
  const title = `${number} - ${requirement.id} ${requirement.sentence.replaceAll("#", "\\#")}`;
  if (outcome === "skipped") return `ok ${title} # SKIP ${details.join("; ")}`;
  const notes = outcome === "failed" ? details.map((detail) => `\n# ${detail.replaceAll("\n", " ")}`).join("") : "";
  return `${outcome === "passed" ? "ok" : "not ok"} ${title}${reason === undefined ? "" : ` # TODO ${reason}`}${notes}`;
}

/** What scenarios and lists speak of are requirements that are tested. */
function checkNames(tally: Tally, findings: Findings, failing: ReadonlyMap<string, string>): void {
  const tested = new Set(loadRequirements().flatMap(({ id, untested }) => (untested === undefined ? [id] : [])));
  const stray = findings.ids.filter((id) => !tested.has(id));
  if (stray.length > 0) tally.fail("requirements", [`looked at, but not listed as tested: ${stray.join(", ")}`]);
  const gone = [...failing.keys()].filter((id) => !tested.has(id));
  if (gone.length > 0) tally.fail("failing", [`listed as failing, but not as tested: ${gone.join(", ")}`]);
}

interface Choice {
  readonly only: readonly string[] | undefined;
  readonly short: boolean;
}

function isWanted(choice: Choice, requirement: Requirement): boolean {
  const { only } = choice;
  const names = [requirement.id, ...requirement.scenarios];
  return only === undefined || only.some((part) => names.some((name) => name.startsWith(part)));
}

/** The requirements that are looked at, and the scenarios that do it. */
function choose(choice: Choice): { wanted: readonly Requirement[]; scenarios: readonly Scenario[] } {
  const allowed = new Set(allScenarios.filter(({ short }) => !choice.short || short).map(({ name }) => name));
  const wanted = loadRequirements().filter(
    (each) =>
      each.untested === undefined && each.scenarios.every((name) => allowed.has(name)) && isWanted(choice, each),
  );
  const names = new Set(wanted.flatMap(({ scenarios }) => scenarios));
  return { wanted, scenarios: allScenarios.filter(({ name }) => names.has(name)) };
}

async function judge(runtime: Runtime, choice: Choice, style: Style): Promise<number> {
  const { wanted, scenarios } = choose(choice);
  const failing = loadFailing(import.meta.dir, runtime.name);
  const findings = await withWorkspace("oci", (workspace) => playAll({ runtime, workspace, style }, scenarios));
  const verdicts = wanted.map((requirement) => findings.judge(requirement));
  if (style.tap) {
    say(`TAP version 13\n1..${verdicts.length}`);
    for (const [index, verdict] of verdicts.entries()) {
      say(tapLine(verdict, index + 1, failing.get(verdict.requirement.id)));
    }
    const red = verdicts.filter((verdict) => isRed(verdict, failing.get(verdict.requirement.id)));
    return red.length === 0 && verdicts.length > 0 ? 0 : 1;
  }
  const tally = new Tally();
  for (const verdict of verdicts) tallyVerdict(tally, verdict, failing.get(verdict.requirement.id));
  checkNames(tally, findings, failing);
  return tally.finish();
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    runtime: { type: "string", default: join(import.meta.dir, "../../dist/tsrun") },
    only: { type: "string", multiple: true },
    short: { type: "boolean", default: false },
    tap: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    upstream: { type: "string" },
    failing: { type: "string" },
    programs: { type: "string" },
    "write-coverage": { type: "boolean", default: false },
  });
  if (values["write-coverage"]) {
    writeFileSync(COVERAGE, renderCoverage(loadRequirements()));
    return 0;
  }
  const runtime = findRuntime(values.runtime);
  if (runtime === undefined) {
    const tally = new Tally();
    tally.fail(`${values.runtime} is not there`);
    return tally.finish();
  }
  if (!values.tap) say(versionOf(runtime));
  const { upstream: folder, only, short, failing, tap, verbose, programs } = values;
  if (folder !== undefined) return await judgeUpstreamTests({ folder, only, failing }, runtime);
  return await judge(runtime, { only, short }, { tap, verbose, programs });
}

process.exitCode = await main();
