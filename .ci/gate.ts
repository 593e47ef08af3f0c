/** npm test: everything that must hold before a commit. */
import { build } from "./build.ts";
import { runMocha, type Verdict } from "./mocha.ts";
import { ROOT, run, say } from "./shell.ts";

/** Each gets a mocha process of its own: tests that share one share its descriptors, mounts and signals. */
const AREAS = [".ci", "cmd", "lib/spec", "lib/plan", "lib/linux", "lib/runtime", "lib/daemon", "lib", "conformance"];

const ROOT_SUFFIX = ".root.test.ts";

interface Check {
  readonly name: string;
  readonly judge: () => Promise<Verdict>;
}

function findTests(): readonly string[] {
  return [...new Bun.Glob("{.ci,cmd,lib,conformance}/**/*.test.ts").scanSync({ cwd: ROOT, dot: true })].sort();
}

/** The files of each area; a file belongs to the longest area that it is in. */
function groupByArea(files: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>(AREAS.map((area) => [area, []]));
  const longestFirst = AREAS.toSorted((a, b) => b.length - a.length);
  for (const file of files) {
    const area = longestFirst.find((each) => file.startsWith(`${each}/`));
    if (area !== undefined) groups.get(area)?.push(file);
  }
  return groups;
}

function tool(name: string, cmd: readonly string[]): Check {
  return {
    name,
    judge: async () => {
      const { ok, output } = await run(cmd);
      return ok ? PASSED : failed(output);
    },
  };
}

const PASSED: Verdict = { passed: 1, skipped: 0, failures: [] };

function failed(reason: string): Verdict {
  return { passed: 0, skipped: 0, failures: [reason] };
}

async function judgeBuild(): Promise<Verdict> {
  try {
    await build();
    return PASSED;
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

/** A skip is asked for, or it is red. */
function judgeMissingRoot(files: readonly string[]): Verdict {
  if (process.env["TSRUN_TEST_SKIP"] === "root") return { passed: 0, skipped: files.length, failures: [] };
  return failed(`${files.length} files *${ROOT_SUFFIX} need root; to go without them, set TSRUN_TEST_SKIP=root`);
}

function testChecks(): readonly Check[] {
  const isRoot = process.geteuid?.() === 0;
  const [rootFiles, unitFiles] = partition(findTests(), (file) => file.endsWith(ROOT_SUFFIX));
  const checks: Check[] = [];
  for (const [kind, files] of [
    ["", unitFiles],
    [" as root", rootFiles],
  ] as const) {
    for (const [area, own] of groupByArea(files)) {
      const judge = kind !== "" && !isRoot ? async () => judgeMissingRoot(own) : () => runMocha(own);
      if (own.length > 0) checks.push({ name: `mocha ${area}${kind}`, judge });
    }
  }
  return checks;
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

const NAME_WIDTH = 28;
const MAX_FAILURE_LINES = 40;

async function main(): Promise<number> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const checks: readonly Check[] = [
    // The build comes first: it generates what the others read.
    { name: "build", judge: judgeBuild },
    tool("biome ci", ["node_modules/.bin/biome", "ci", "--colors=off", "."]),
    tool("bun check", [process.execPath, "check"]),
    // `bun check` alone leaves out folders that begin with a dot, whatever tsconfig.json includes.
    tool("bun check .ci", [process.execPath, "check", ".ci"]),
    ...testChecks(),
  ];
  for (const { name, judge } of checks) {
    const begin = performance.now();
    const { passed, failures, skipped } = await judge();
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    const counts = `${passed} passed, ${failures.length} failed, ${skipped} skipped`;
    say(`${failures.length === 0 ? "ok  " : "FAIL"}  ${name.padEnd(NAME_WIDTH)} ${counts} (${seconds} s)`);
    for (const failure of failures) say(indent(failure));
    total.passed += passed;
    total.failed += failures.length;
    total.skipped += skipped;
  }
  say(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 ? 0 : 1;
}

function indent(output: string): string {
  const lines = output.trimEnd().split("\n");
  const rest = lines.length - MAX_FAILURE_LINES;
  const shown = rest > 0 ? [...lines.slice(0, MAX_FAILURE_LINES), `… and ${rest} lines more`] : lines;
  return shown.map((line) => `        ${line}`).join("\n");
}

process.exitCode = await main();
