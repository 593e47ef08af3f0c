/**
 * Fuzz: configs that nobody would write. Changed at random nodes or at random bytes, they are compiled or refused in words
 * that their author understands; nothing crashes, and nothing is left over.
 *
 *   bun conformance/fuzz/main.ts [--runtime PATH] [--runs N] [--creates N] [--seed N]
 *
 * `--runs` configs go through validation, compiling, explaining and encoding in this process, as many again with changed
 * bytes; `--creates` of them become containers, as root, in namespaces of their own. A failure prints the seed and the
 * smallest config that shows it.
 */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { defaultConfig } from "../harness/config.ts";
import { readOptions } from "../harness/options.ts";
import { makeRootfs } from "../harness/rootfs.ts";
import { say, Tally } from "../harness/tally.ts";
import { type Workspace, withWorkspace } from "../harness/workspace.ts";
import { checkCreate } from "./check-create.ts";
import { checkPlan, type Verdict } from "./check-plan.ts";
import { applyEdits, edits, type Json } from "./edits.ts";

const TESTDATA = join(import.meta.dir, "../../lib/plan/testdata");
/** A config that keeps a run from ending is a fault too. */
const RUN_TIMEOUT_MS = 60_000;

interface Phase {
  readonly name: string;
  readonly runs: number;
  readonly seed: number;
}

/** Configs of engines and of single properties, to begin from. */
function loadSeeds(): readonly Json[] {
  const names = readdirSync(TESTDATA).filter((name) => name.endsWith(".json"));
  return names.map((name) => JSON.parse(readFileSync(join(TESTDATA, name), "utf8")) as Json);
}

/** Runs `check` over what `texts` makes and counts the verdicts. */
async function runPhase(
  tally: Tally,
  { name, runs, seed }: Phase,
  texts: fc.Arbitrary<string>,
  check: (text: string) => Verdict | Promise<Verdict>,
): Promise<void> {
  const counts: Record<Verdict, number> = { compiled: 0, refused: 0 };
  const property = fc.asyncProperty(texts, async (text) => {
    counts[await check(text)] += 1;
  });
  const result = await fc.check(property, {
    numRuns: runs,
    seed,
    timeout: RUN_TIMEOUT_MS,
  });
  const summary = `${name}: ${counts.compiled} done, ${counts.refused} refused`;
  if (!result.failed && counts.compiled > 0 && counts.refused > 0) tally.pass(summary);
  else tally.fail(summary, [`seed ${seed}`, ...describe(result)]);
}

function describe({ counterexample, errorInstance }: fc.RunDetails<[string]>): readonly string[] {
  const error = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance);
  return [...error.split("\n").slice(0, 12), `config: ${counterexample?.[0] ?? "none"}`];
}

const byteChanges = fc.array(fc.record({ at: fc.nat(1_000_000), byte: fc.nat(255), cut: fc.boolean() }), {
  minLength: 1,
  maxLength: 5,
});

function changeBytes(text: string, changes: readonly { at: number; byte: number; cut: boolean }[]): string {
  let bytes = Buffer.from(text);
  for (const { at, byte, cut } of changes) {
    const index = at % Math.max(bytes.length, 1);
    if (cut) bytes = Buffer.concat([bytes.subarray(0, index), bytes.subarray(index + (byte % 16))]);
    else bytes[index] = byte;
  }
  return bytes.toString();
}

/** What a container would do to the machine in spite of its namespaces, or hide from the counting, is not changed. */
function isSpared(pointer: string): boolean {
  return /^\/root(\/path)?$|^\/linux\/cgroupsPath$|^\/linux\/namespaces|^\/linux$|^\/hooks/.test(pointer);
}

async function fuzzCreates(tally: Tally, workspace: Workspace, runtime: string, phase: Phase): Promise<void> {
  const bundle = join(workspace.folder, "bundle");
  mkdirSync(bundle);
  makeRootfs(join(bundle, "rootfs"));
  const base = defaultConfig(["/bin/true"], `/${workspace.tag}/fuzz`) as unknown as Json;
  const texts = edits.map((changes) => JSON.stringify(applyEdits(base, changes, isSpared)));
  await runPhase(tally, phase, texts, (text) => checkCreate({ runtime, workspace, bundle }, text));
}

/** Starts this program again, alone in namespaces of its own; gives its exit status. */
function runInNamespaces(args: readonly string[]): number {
  const namespaces = "--mount --pid --fork --net --uts --ipc --mount-proc --propagation private".split(" ");
  const cmd = ["unshare", ...namespaces, process.execPath, import.meta.path, ...args];
  return Bun.spawnSync({ cmd, stdio: ["ignore", "inherit", "inherit"] }).exitCode;
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    runtime: { type: "string", default: join(import.meta.dir, "../../dist/tsrun") },
    runs: { type: "string", default: "100000" },
    creates: { type: "string", default: "2000" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    inside: { type: "boolean", default: false },
  });
  const tally = new Tally();
  const seed = Number(values.seed);
  if (values.inside) {
    await withWorkspace("fuzz", (workspace) =>
      fuzzCreates(tally, workspace, values.runtime, { name: "create", runs: Number(values.creates), seed }),
    );
    return tally.finish();
  }
  say(`seed ${seed}`);
  const seeds = loadSeeds();
  const documents = fc.tuple(fc.constantFrom(...seeds), edits);
  const runs = Number(values.runs);
  await runPhase(
    tally,
    { name: "changed properties", runs, seed },
    documents.map(([document, changes]) => JSON.stringify(applyEdits(document, changes))),
    checkPlan,
  );
  await runPhase(
    tally,
    { name: "changed bytes", runs, seed },
    fc
      .tuple(fc.constantFrom(...seeds), byteChanges)
      .map(([document, changes]) => changeBytes(JSON.stringify(document), changes)),
    checkPlan,
  );
  const args = ["--inside", "--runtime", values.runtime, "--creates", values.creates, "--seed", values.seed];
  if (process.geteuid?.() !== 0) tally.skip("create", "needs root");
  else if (runInNamespaces(args) === 0) tally.pass(`create: ${values.creates} containers`);
  else tally.fail(`create: ${values.creates} containers`);
  return tally.finish();
}

process.exitCode = await main();
