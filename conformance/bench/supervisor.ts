/**
 * Times and memory of tsrund beside containerd with runc: the same commands at each, in turns, as ratios.
 *
 *   bun conformance/bench/supervisor.ts [--rounds N] [--many 20,200] [--only TEXT] [--no-write]
 *
 * Needs root, containerd with ctr and runc, busybox (static), tar, docker-registry and skopeo. Each figure is the median of
 * the rounds; a row of many containers is measured once for each number of `--many`. The table is written to supervisor.md.
 * On a machine that does other work the ratios are worth more than the figures.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Daemon } from "../containerd/daemon.ts";
import { makeArchive, makeImage } from "../containerd/image.ts";
import { waitUntil } from "../harness/poll.ts";
import { run } from "../harness/process.ts";
import { say } from "../harness/tally.ts";
import { processesNamed, type Workspace, withWorkspace } from "../harness/workspace.ts";
import { DockerRegistry } from "../registry/docker-registry.ts";
import { Tsrund } from "../supervisor/tsrund.ts";
import { describeMachine } from "./machine.ts";
import { formatTable, type Row } from "./report.ts";
import { median } from "./statistics.ts";
import { ctr, FILES, IMAGE_BYTES, LARGE, manyWorks, SINGLE, type Site, type Work } from "./supervisor-works.ts";

const OWN = "tsrund";
const PEER = "containerd";

/** Makes the large image. Gives the path of its archive. */
async function makeLarge(folder: string): Promise<string> {
  const files = join(folder, "files");
  const bytes = Buffer.alloc(IMAGE_BYTES / FILES);
  for (let n = 0; n < FILES; n++) {
    const directory = join(files, String(n % 100));
    if (n < 100) mkdirSync(directory, { recursive: true });
    crypto.getRandomValues(bytes);
    writeFileSync(join(directory, String(n)), bytes);
  }
  return (await makeArchive(folder, LARGE, [files])).archive;
}

/** Puts an archive's image into a registry. */
async function publish(archive: string, { host }: DockerRegistry, scratch: string): Promise<void> {
  const words = ["skopeo", "copy", "--dest-tls-verify=false", `oci-archive:${archive}`, `docker://${host}/large:1`];
  const { status, stderr } = await run(words, { scratch });
  if (status !== 0) throw new Error(`cannot fill the registry: ${stderr.trim()}`);
}

interface Options {
  readonly rounds: number;
  readonly many: readonly number[];
  readonly only: string | undefined;
}

async function measureAll(workspace: Workspace, { rounds, many, only }: Options): Promise<readonly Row[]> {
  const works = [...SINGLE, ...many.flatMap(manyWorks)].filter(({ name }) => only === undefined || name.includes(only));
  const at = (name: string) => join(workspace.folder, name);
  for (const name of ["scratch", "small", "large"]) mkdirSync(at(name));
  const small = await makeImage(at("small"));
  const isLarge = works.some((work) => work.isLarge);
  const archive = isLarge ? await makeLarge(at("large")) : "";
  const registry = new DockerRegistry(at("registry"));
  const dist = join(import.meta.dir, "../../dist");
  const common = { scratch: at("scratch"), tsctr: join(dist, "tsctr"), archive };
  const own = new Tsrund(at("own"), join(dist, "tsrund"));
  const peer = new Daemon(at("peer"), join(dist, "containerd-shim-tsrun-v2"));
  const rows: Row[] = [];
  try {
    await registry.start();
    if (isLarge) await publish(archive, registry, common.scratch);
    const sites: readonly Site[] = [
      { ...common, name: OWN, isOwn: true, tag: `${workspace.tag}-t`, server: own, registry: registry.host },
      { ...common, name: PEER, isOwn: false, tag: `${workspace.tag}-c`, server: peer, registry: registry.host },
    ];
    for (const site of sites) {
      await site.server.start();
      await ctr(site, "images", "import", small);
    }
    for (const work of works) {
      const row = await measureRow(work, sites, rounds);
      rows.push(row);
      const [ours = 0, theirs = 0] = [...row.figures.values()];
      const shown = [ours, theirs].map((value) => `${value.toFixed(1)} ${work.unit}`.padStart(14)).join("");
      say(`${work.name.padEnd(48)}${shown}${(ours / theirs).toFixed(2).padStart(8)}`);
    }
  } finally {
    for (const server of [own, peer]) await server.stop("SIGTERM");
    await registry.stop();
  }
  return rows;
}

async function measureRow(
  { name, unit, atMost, once, measure }: Work,
  sites: readonly Site[],
  rounds: number,
): Promise<Row> {
  const figures = new Map<string, number[]>(sites.map((site) => [site.name, []]));
  for (let round = 0; round < (once ? 1 : rounds); round++) {
    for (const site of sites) figures.get(site.name)?.push(await measure(site, round));
  }
  const medians = new Map([...figures].map(([site, values]) => [site, median(values)]));
  return { name, unit, figures: medians, goals: atMost === undefined ? [] : [{ peer: PEER, atMost }] };
}

/** The page, with the versions of both. */
async function renderPage(rows: readonly Row[], scratch: string): Promise<string> {
  const versions: string[] = [];
  for (const command of [[join(import.meta.dir, "../../dist/tsrund")], ["containerd"], ["runc"]]) {
    const { stdout } = await run([...command, "--version"], { scratch });
    versions.push(stdout.split("\n")[0]?.trim() ?? "");
  }
  return `# tsrund beside containerd

Written by \`bun conformance/bench/supervisor.ts\`: medians, and tsrund's divided by containerd's, so less is better.

- Machine: ${describeMachine()}.
- Versions: ${versions.join(", ")}.

${formatTable(rows, [OWN, PEER], OWN)}
`;
}

const { values: given } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    many: { type: "string", default: "20" },
    only: { type: "string" },
    write: { type: "boolean", default: true },
  },
  allowNegative: true,
});

await withWorkspace("daemonbench", async (workspace) => {
  const many = given.many.split(",").map(Number);
  const rows = await measureAll(workspace, { rounds: Number(given.rounds), many, only: given.only });
  if (given.write && given.only === undefined) {
    writeFileSync(join(import.meta.dir, "supervisor.md"), await renderPage(rows, workspace.folder));
  }
  // What a killed daemon has left is looked for by its folder.
  await waitUntil("end of all shims", () => processesNamed([workspace.tag]).length === 0).catch(() => undefined);
});
