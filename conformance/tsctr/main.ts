/**
 * tsctr: what a person types at tsctr, on tsrund and on Debian's containerd with runc, each with everything of its own in a
 * folder of its own. What is printed and the exit status are what `expected/` says, on both, or the case is listed in
 * failing.txt, as `containerd: CASE`, with its reason.
 *
 *   bun conformance/tsctr/main.ts [--list NAME] [--only TEXT] [--program PATH] [--verbose] [--update]
 *
 * Needs root, containerd with runc, ctr, busybox (static), tini-static, python3, jq, tar and docker-registry. The cases build on each other:
 * with --only, all of the lists are run, and those are judged; a list by itself is run by --list. --update writes expected/ from what tsrund does; read it then.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Daemon } from "../containerd/daemon.ts";
import { IMAGE, makeImage } from "../containerd/image.ts";
import { parseFailing } from "../harness/failing.ts";
import { readOptions } from "../harness/options.ts";
import { run } from "../harness/process.ts";
import { runSuite } from "../harness/suite.ts";
import { say, type Tally } from "../harness/tally.ts";
import type { Workspace } from "../harness/workspace.ts";
import { Tsrund } from "../supervisor/tsrund.ts";
import type { Case } from "./case.ts";
import { changeCases } from "./cases/changes.ts";
import { containerCases } from "./cases/containers.ts";
import { imageCases } from "./cases/images.ts";
import { optionCases } from "./cases/options.ts";
import { terminalCases } from "./cases/terminals.ts";
import { volumeCases } from "./cases/volumes.ts";
import { normalise } from "./normalise.ts";

/** Each list is a file of `expected/`. */
const LISTS: Readonly<Record<string, readonly Case[]>> = {
  containers: containerCases,
  images: imageCases,
  volumes: volumeCases,
  terminals: terminalCases,
  options: optionCases,
  changes: changeCases,
};
const NEEDED = [
  "containerd",
  "ctr",
  "containerd-shim-runc-v2",
  "runc",
  "busybox",
  "python3",
  "jq",
  "tini-static",
  "tar",
  "docker-registry",
];

interface Server {
  readonly folder: string;
  readonly address: string;
  start(): Promise<void>;
  stop(signal: NodeJS.Signals): Promise<unknown>;
}

interface Options {
  readonly program: string;
  readonly only: string | undefined;
  /** Undefined: all. */
  readonly list: string | undefined;
  readonly verbose: boolean;
  readonly update: boolean;
}

/** The cases of a list need nothing of the others. */
function chosenLists({ list }: Options): readonly (readonly [list: string, cases: readonly Case[]])[] {
  return Object.entries(LISTS).filter(([name]) => list === undefined || name === list);
}

type Shown = ReadonlyMap<string, readonly string[]>;

interface Subject {
  /** Of the image. */
  readonly archive: string;
  readonly workspace: Workspace;
  readonly program: string;
  readonly cases: readonly Case[];
}

/** What tsctr shows of one daemon, case by case. */
async function show(server: Server, { archive, workspace, program, cases }: Subject): Promise<Shown> {
  const scratch = join(server.folder, "scratch");
  mkdirSync(scratch, { recursive: true });
  const folder = join(scratch, "outputs");
  mkdirSync(folder, { recursive: true });
  const env = {
    ...{ PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8", TERM: "dumb", PS1: "$ " },
    ...{ CONTAINERD_ADDRESS: server.address, TSCTR: program, TYPIST: join(import.meta.dir, "typist.py") },
    ...{ IMAGE, ARCHIVE: archive, SCRATCH: scratch, TAG: workspace.tag, HOME: scratch },
  };
  const preamble = 'set -o pipefail; tsctr() { "$TSCTR" "$@"; }; export -f tsctr';
  const names = { tag: workspace.tag, folder: server.folder, workspace: workspace.folder };
  const shown = new Map<string, readonly string[]>();
  await server.start();
  try {
    const imported = await run(["ctr", "--address", server.address, "images", "import", archive], { scratch: folder });
    if (imported.status !== 0) throw new Error(`cannot import the image: ${imported.stderr}`);
    for (const { name, script, unordered = false } of cases) {
      const { status, stdout, stderr } = await run(["bash", "-c", `${preamble}\n${script}`], { scratch: folder, env });
      const marked = (mark: string, text: string) => normalise(text, names).map((line) => `${mark}: ${line}`.trimEnd());
      const lines = [...marked("out", stdout), ...marked("err", stderr)];
      shown.set(name, [`status ${status}`, ...(unordered ? lines.toSorted() : lines)]);
    }
  } finally {
    await server.stop("SIGTERM");
  }
  return shown;
}

function expectedFile(list: string): string {
  return join(import.meta.dir, "expected", `${list}.txt`);
}

/** `## CASE`, and the lines below it. */
function readExpected(list: string): Shown {
  const file = expectedFile(list);
  const sections = existsSync(file) ? readFileSync(file, "utf8").split(/^## /m).slice(1) : [];
  return new Map(
    sections.map((section) => {
      const [name = "", ...lines] = section.trimEnd().split("\n");
      return [name, lines];
    }),
  );
}

function writeExpected(list: string, cases: readonly Case[], shown: Shown): void {
  const sections = cases.map(({ name }) => `## ${name}\n${(shown.get(name) ?? []).join("\n")}\n`);
  mkdirSync(join(expectedFile(list), ".."), { recursive: true });
  writeFileSync(expectedFile(list), sections.join("\n"));
}

interface Verdict {
  readonly name: string;
  readonly wanted: readonly string[] | undefined;
  readonly found: readonly string[];
  readonly reason: string | undefined;
}

function judge({ name, wanted, found, reason }: Verdict, tally: Tally): void {
  const isEqual = wanted?.join("\n") === found.join("\n");
  if (isEqual && reason === undefined) tally.pass(name);
  else if (isEqual) tally.fail(name, ["it is as expected, but is listed in failing.txt", reason ?? ""]);
  else if (reason !== undefined) tally.pass(`${name}: differs, as known: ${reason}`);
  else
    tally.fail(name, [
      ...(wanted ?? ["nothing"]).map((line) => `expected  ${line}`),
      ...found.map((line) => `found     ${line}`),
    ]);
}

async function judgeAll(workspace: Workspace, tally: Tally, options: Options): Promise<void> {
  const image = join(workspace.folder, "image");
  mkdirSync(image);
  const archive = await makeImage(image);
  const tsrund = join(options.program, "../tsrund");
  const { program } = options;
  const cases = chosenLists(options).flatMap(([, list]) => list);
  const own = await show(new Tsrund(join(workspace.folder, "own"), tsrund), { archive, workspace, program, cases });
  if (options.update) for (const [list, each] of chosenLists(options)) writeExpected(list, each, own);
  // What is asked of tsrund alone may never come to an end elsewhere.
  const common = cases.filter(({ ownOnly }) => ownOnly === undefined);
  const daemon = new Daemon(join(workspace.folder, "peer"), program);
  const peer = await show(daemon, { archive, workspace, program, cases: common });
  const failing = parseFailing(readFileSync(join(import.meta.dir, "failing.txt"), "utf8"));
  for (const [list, listed] of chosenLists(options)) {
    const expected = readExpected(list);
    for (const each of listed.filter(({ name }) => options.only === undefined || name.includes(options.only))) {
      const shown = each.ownOnly === undefined ? { tsrund: own, containerd: peer } : { tsrund: own };
      judgeCase(each.name, { wanted: expected.get(each.name), shown, failing }, tally, options);
    }
  }
}

interface Outputs {
  readonly wanted: readonly string[] | undefined;
  /** By daemon. */
  readonly shown: Readonly<Record<string, Shown>>;
  readonly failing: ReadonlyMap<string, string>;
}

function judgeCase(name: string, { wanted, shown, failing }: Outputs, tally: Tally, { verbose }: Options): void {
  for (const [daemon, outputs] of Object.entries(shown)) {
    const label = `${daemon}: ${name}`;
    const found = outputs.get(name) ?? [];
    judge({ name: label, wanted, found, reason: failing.get(label) }, tally);
    if (verbose) for (const line of found) say(`        ${line}`);
  }
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    only: { type: "string" },
    list: { type: "string" },
    program: { type: "string", default: join(import.meta.dir, "../../dist/tsctr") },
    verbose: { type: "boolean", default: false },
    update: { type: "boolean", default: false },
  });
  return await runSuite({
    name: "tsctr",
    programs: NEEDED,
    judge: (workspace, tally) => judgeAll(workspace, tally, { ...values, only: values.only, list: values.list }),
  });
}

process.exitCode = await main();
