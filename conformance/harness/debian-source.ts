import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "./runtime.ts";
import { Tally } from "./tally.ts";

const APT = "/etc/apt";
const FETCH_MS = 180_000;

/**
 * The source package of a judge, unpacked below $TSRUN_SOURCES (by default in a folder of the temporary one), where it
 * stays for the next run; undefined where it cannot be fetched. apt's own lists are left alone.
 */
async function fetchSource(name: string): Promise<string | undefined> {
  const folder = process.env["TSRUN_SOURCES"] ?? join(tmpdir(), "tsrun-sources");
  return findSource(folder, name) ?? (await fetchInto(folder, name));
}

function findSource(folder: string, name: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const found = readdirSync(folder, { withFileTypes: true }).find(
    (entry) => entry.isDirectory() && entry.name.startsWith(`${name}-`),
  );
  return found === undefined ? undefined : join(folder, found.name);
}

/** sources.list(5): where this machine has its packages from, asked for their sources. */
function writeSourceLists(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const lists = existsSync(`${APT}/sources.list`) ? [`${APT}/sources.list`] : [];
  const parts = readdirSync(`${APT}/sources.list.d`).map((name) => `${APT}/sources.list.d/${name}`);
  for (const [index, path] of [...lists, ...parts].entries()) {
    const text = readFileSync(path, "utf8");
    if (path.endsWith(".list"))
      writeFileSync(join(folder, `${index}.list`), text.replaceAll(/^deb(?=\s)/gm, "deb-src"));
    if (path.endsWith(".sources"))
      writeFileSync(join(folder, `${index}.sources`), text.replaceAll(/^Types:.*$/gm, "Types: deb-src"));
  }
}

async function fetchInto(folder: string, name: string): Promise<string | undefined> {
  const lists = join(folder, "lists");
  mkdirSync(join(lists, "partial"), { recursive: true });
  const parts = join(folder, "sources.list.d");
  writeSourceLists(parts);
  const options = [
    ["Dir::Etc::sourcelist", "/dev/null"],
    ["Dir::Etc::sourceparts", parts],
    ["Dir::State::lists", lists],
    // As another user it could not write here.
    ["APT::Sandbox::User", "root"],
  ].flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  for (const words of [["update"], ["source", name]]) {
    const child = Bun.spawn(["apt-get", ...options, "-qq", ...words], {
      cwd: folder,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      timeout: FETCH_MS,
    });
    if ((await child.exited) !== 0) return undefined;
  }
  return findSource(folder, name);
}

/** A suite whose tests are those of a Debian package. */
export interface UpstreamSuite {
  /** The source package. */
  readonly source: string;
  /** Programs that its tests need. */
  readonly tools: readonly string[];
}

/** What is there and what is judged with it. */
export interface Upstream {
  readonly tally: Tally;
  /** The folder with the unpacked source. */
  readonly source: string;
}

/** Runs a suite on the source it needs and gives the exit status; where that cannot be had, all of it is one named skip. */
export async function judgeUpstream(
  suite: UpstreamSuite,
  judge: (upstream: Upstream) => Promise<void>,
): Promise<number> {
  const tally = new Tally();
  const missing = suite.tools.filter((tool) => findProgram(tool) === undefined);
  const source = missing.length === 0 ? await fetchSource(suite.source) : undefined;
  if (source === undefined) {
    const why =
      missing.length === 0 ? `cannot fetch the source of ${suite.source}` : `not installed: ${missing.join(", ")}`;
    tally.skip("all", why);
    tally.finish();
    return 0;
  }
  await judge({ tally, source });
  return tally.finish();
}
