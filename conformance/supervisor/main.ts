/**
 * supervisor: what a person types at Debian's ctr, answered by tsrund and by Debian's containerd, each with everything of
 * its own in a folder of its own. What is printed and the exit status are equal, or the case is listed in failing.txt with
 * its reason; in failing.2.txt where containerd 2 is installed. So are the commands of docker, with tsrund in the place of the containerd that dockerd starts.
 *
 *   bun conformance/supervisor/main.ts [--only TEXT] [--program PATH] [--verbose]
 *
 * Needs root, containerd with ctr and runc, busybox (static), script and tar. The cases build on each other: with --only,
 * all are run, and those are shown. An unlisted difference is red, and so is a listed one that no longer occurs.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Daemon } from "../containerd/daemon.ts";
import { IMAGE, makeImage } from "../containerd/image.ts";
import { docker } from "../engines/docker.ts";
import { containerdMajor } from "../harness/containerd-version.ts";
import { parseFailing } from "../harness/failing.ts";
import { readOptions } from "../harness/options.ts";
import { run } from "../harness/process.ts";
import { runSuite } from "../harness/suite.ts";
import { say, type Tally } from "../harness/tally.ts";
import type { Workspace } from "../harness/workspace.ts";
import type { Case } from "./case.ts";
import { containerCases } from "./cases/containers.ts";
import { imageCases } from "./cases/images.ts";
import { nameCases } from "./cases/names.ts";
import { taskCases } from "./cases/tasks.ts";
import { dockerChecks } from "./docker.ts";
import { normalise } from "./normalise.ts";
import { restartChecks } from "./restart.ts";
import { Tsrund } from "./tsrund.ts";

const CASES: readonly Case[] = [...nameCases, ...imageCases, ...containerCases, ...taskCases];
const NEEDED = ["containerd", "ctr", "containerd-shim-runc-v2", "runc", "busybox", "script", "tar"];
/** sha256 of "hello" and a line end. */
const HELLO = "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

interface Server {
  readonly folder: string;
  readonly address: string;
  start(): Promise<void>;
  stop(signal: NodeJS.Signals): Promise<unknown>;
}

interface ImageFiles {
  readonly archive: string;
  readonly rootfs: string;
  readonly manifest: string;
  readonly layer: string;
}

/** What `ctr` shows of one daemon, case by case. */
async function show(
  server: Server,
  image: ImageFiles,
  workspace: Workspace,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const scratch = join(server.folder, "scratch");
  mkdirSync(scratch, { recursive: true });
  const env = {
    ...{ PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8", ADDRESS: server.address },
    ...{ IMAGE, ARCHIVE: image.archive, ROOTFS: image.rootfs, MANIFEST: image.manifest, LAYER: image.layer, HELLO },
    ...{ SCRATCH: scratch, TAG: workspace.tag },
  };
  // At the end of its input script types an end-of-file character, which some program or other may echo: it gets no end.
  const preamble = `
ctr() { command ctr --address "$ADDRESS" "$@"; }
terminal() { [ -p "$SCRATCH/keys" ] || mkfifo "$SCRATCH/keys"; script -qec "$1" /dev/null <>"$SCRATCH/keys"; }`;
  const shown = new Map<string, readonly string[]>();
  const major = containerdMajor();
  await server.start();
  try {
    for (const { name, script, unordered = false } of CASES) {
      const { status, stdout, stderr } = await run(["bash", "-c", `${preamble}\n${script}`], { scratch, env });
      const names = { folder: server.folder, workspace: workspace.folder, major };
      const marked = (mark: string, text: string) => {
        const lines = normalise(text, names).map((line) => `${mark}: ${line}`);
        return unordered ? lines.toSorted() : lines;
      };
      shown.set(name, [`status ${status}`, ...marked("stdout", stdout), ...marked("stderr", stderr)]);
    }
  } finally {
    await server.stop("SIGTERM");
  }
  return shown;
}

interface Comparison {
  readonly own: ReadonlyMap<string, readonly string[]>;
  readonly peer: ReadonlyMap<string, readonly string[]>;
  readonly failing: ReadonlyMap<string, string>;
}

function compare({ name }: Case, { own, peer, failing }: Comparison, tally: Tally): void {
  const [ours, theirs] = [own.get(name) ?? [], peer.get(name) ?? []];
  const reason = failing.get(name);
  const isEqual = ours.join("\n") === theirs.join("\n");
  if (isEqual && reason === undefined) tally.pass(name);
  else if (!isEqual && reason !== undefined) tally.pass(`${name}: differs, as known: ${reason}`);
  else if (isEqual) tally.fail(name, ["it is equal, but is said to differ", reason ?? ""]);
  else {
    const only = (lines: readonly string[], others: readonly string[]) =>
      lines.filter((line) => !others.includes(line));
    const details = [
      ...only(theirs, ours).map((line) => `containerd  ${line}`),
      ...only(ours, theirs).map((line) => `tsrund      ${line}`),
    ];
    tally.fail(name, details.length > 0 ? details : ["the same lines in another order, or not as often", ...ours]);
  }
}

async function judge(
  workspace: Workspace,
  tally: Tally,
  options: { program: string; only?: string | undefined; verbose: boolean },
) {
  const folder = join(workspace.folder, "image");
  mkdirSync(folder);
  const archive = await makeImage(folder);
  const index = JSON.parse(readFileSync(join(folder, "layout/index.json"), "utf8"));
  const manifest: string = index.manifests[0].digest;
  const blob = readFileSync(join(folder, "layout/blobs", manifest.replace(":", "/")), "utf8");
  const image = { archive, rootfs: join(folder, "rootfs"), manifest, layer: String(JSON.parse(blob).layers[0].digest) };
  const peer = await show(new Daemon(join(workspace.folder, "peer"), options.program), image, workspace);
  const own = await show(new Tsrund(join(workspace.folder, "own"), options.program), image, workspace);
  const list = containerdMajor() === 1 ? "failing.txt" : "failing.2.txt";
  const failing = parseFailing(readFileSync(join(import.meta.dir, list), "utf8"));
  for (const each of CASES) {
    if (options.only !== undefined && !each.name.includes(options.only)) continue;
    compare(each, { own, peer, failing }, tally);
    if (options.verbose) for (const line of own.get(each.name) ?? []) say(`        ${line}`);
  }
  const known = [...CASES, ...docker.cases];
  for (const name of failing.keys()) {
    if (!known.some((each) => each.name === name)) tally.fail(name, [`${list}: there is no such case`]);
  }
  await dockerChecks(workspace, { ...options, layer: join(folder, "layer.tar"), only: options.only, failing }, tally);
  await restartChecks(workspace, { program: options.program, archive }, tally);
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    only: { type: "string" },
    program: { type: "string", default: join(import.meta.dir, "../../dist/tsrund") },
    verbose: { type: "boolean", default: false },
  });
  return await runSuite({
    name: "supervisor",
    programs: NEEDED,
    judge: (workspace, tally) => judge(workspace, tally, values),
  });
}

process.exitCode = await main();
