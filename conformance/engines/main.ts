/**
 * Engines: what a person types at podman, buildah and docker, with tsrun as their runtime and with runc. What is printed and
 * the exit status are equal, or the case is listed in failing.txt with its reason.
 *
 *   bun conformance/engines/main.ts [--runtime PATH] [--reference PATH] [--only CASE] [--verbose]
 *
 * Needs root and Debian's podman, buildah and docker.io; an engine that is not installed is counted as skipped. Every engine
 * has private folders, a private daemon and cgroups named after the run. An unlisted difference is red, and so is a listed one
 * that no longer occurs.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { loadFailing } from "../harness/failing.ts";
import { readOptions } from "../harness/options.ts";
import { run } from "../harness/process.ts";
import { makeRootfs } from "../harness/rootfs.ts";
import { findProgram, findRuntime, type Runtime, runcLine, versionOf } from "../harness/runtime.ts";
import { say, Tally } from "../harness/tally.ts";
import { type Workspace, withWorkspace } from "../harness/workspace.ts";
import { docker } from "./docker.ts";
import type { Engine, EngineCase } from "./engine.ts";
import { buildah, podman } from "./podman.ts";
import { hasEnded, type Shown, showCases } from "./show.ts";

const ENGINES: readonly Engine[] = [podman, buildah, docker];

interface Judge {
  readonly workspace: Workspace;
  /** A tar archive: the only layer of the image that the cases use. */
  readonly image: string;
  readonly reference: Runtime;
  readonly candidate: Runtime;
  /** Name of a case → why it differs. */
  readonly failing: ReadonlyMap<string, string>;
  readonly tally: Tally;
  readonly verbose: boolean;
}

/** The lines that only one of both has shown. */
function compareLines(reference: readonly string[], candidate: readonly string[]): readonly string[] {
  const missing = reference.filter((line) => !candidate.includes(line)).map((line) => `- ${line}`);
  const added = candidate.filter((line) => !reference.includes(line)).map((line) => `+ ${line}`);
  if (missing.length + added.length > 0 || reference.length === candidate.length) return [...missing, ...added];
  return [`${reference.length} lines with the reference, ${candidate.length} with the candidate`];
}

/** Runs an engine's cases with both runtimes and judges what they showed. */
async function judgeEngine(judge: Judge, engine: Engine, cases: readonly EngineCase[]): Promise<void> {
  const { tally, failing } = judge;
  const missing = engine.programs.filter((program) => findProgram(program) === undefined);
  if (missing.length > 0) {
    for (const { name } of cases) tally.skip(name, `not installed: ${missing.join(", ")}`);
    return;
  }
  const parts = { engine, cases, workspace: judge.workspace, image: judge.image };
  const shownBy = async (site: string, { path }: Runtime): Promise<Shown> => {
    const shown = await showCases(parts, { name: site, path });
    for (const [name, lines] of judge.verbose ? shown : []) for (const line of lines) say(`  ${site} ${name}: ${line}`);
    return shown;
  };
  const expected = await shownBy("reference", judge.reference);
  const actual = await shownBy("candidate", judge.candidate);
  for (const { name } of cases) {
    const [reference = [], candidate = []] = [expected.get(name), actual.get(name)];
    const differences = compareLines(reference, candidate);
    const reason = failing.get(name);
    if (!hasEnded(reference)) tally.fail(name, ["it has not ended", ...reference]);
    else if (differences.length === 0 && reason === undefined) tally.pass(name);
    else if (differences.length === 0) tally.fail(name, ["listed in failing.txt, but equal"]);
    else if (reason === undefined) tally.fail(name, differences);
    else tally.pass(`${name} (differs as listed: ${reason})`);
  }
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    runtime: { type: "string", default: join(import.meta.dir, "../../dist/tsrun") },
    reference: { type: "string", default: "runc" },
    only: { type: "string", multiple: true },
    verbose: { type: "boolean", default: false },
  });
  const tally = new Tally();
  const [reference, candidate] = [findRuntime(values.reference), findRuntime(values.runtime)];
  if (reference === undefined || candidate === undefined) {
    tally.fail(`${reference === undefined ? values.reference : values.runtime} is not there`);
    return tally.finish();
  }
  say(`${versionOf(candidate)} beside ${versionOf(reference)}`);
  const isLater = reference.name === "runc" && runcLine(versionOf(reference)) === "later";
  const failing = new Map([
    ...loadFailing(import.meta.dir, candidate.name),
    ...(isLater ? loadFailing(import.meta.dir, "later") : []),
  ]);
  await withWorkspace("engines", async (workspace) => {
    const image = await makeImage(workspace);
    const judge = { workspace, image, reference, candidate, failing, tally, verbose: values.verbose };
    for (const engine of ENGINES) {
      const cases = engine.cases.filter(({ name }) => values.only?.some((part) => name.startsWith(part)) ?? true);
      if (cases.length > 0) await judgeEngine(judge, engine, cases);
    }
  });
  return tally.finish();
}

/** An image's only layer, as a tar archive. */
async function makeImage({ folder }: Workspace): Promise<string> {
  const rootfs = join(folder, "image");
  makeRootfs(rootfs);
  mkdirSync(join(rootfs, "mnt"));
  const path = join(folder, "image.tar");
  const { status, stderr } = await run(["tar", "-C", rootfs, "-cf", path, "."], { scratch: folder });
  if (status !== 0) throw new Error(`cannot make an image: ${stderr}`);
  return path;
}

process.exitCode = await main();
