/**
 * layers: the same images, imported and unpacked by this project's store and by Debian's containerd. Manifests, chain ids,
 * usage and every entry of every snapshot have to be equal, but for what is listed; and containerd has to take back what
 * the store exports.
 *
 *   bun conformance/layers/main.ts [--only TEXT]
 *
 * Needs root, containerd with ctr, GNU tar and setfattr. containerd has everything of its own in a folder of its own.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportArchive } from "../../lib/daemon/images/export.ts";
import { importArchive } from "../../lib/daemon/images/import.ts";
import { unpackManifest } from "../../lib/daemon/images/unpack.ts";
import { NO_LABELS } from "../../lib/daemon/labels.ts";
import { Store } from "../../lib/daemon/store.ts";
import { digestOf } from "../../lib/image/digest.ts";
import { openKernel } from "../../lib/linux/kernel.ts";
import { chunksOf } from "../../lib/testing/layers.ts";
import { listTree } from "../../lib/testing/list-tree.ts";
import { Daemon } from "../containerd/daemon.ts";
import { containerdMajor } from "../harness/containerd-version.ts";
import { readOptions } from "../harness/options.ts";
import { runSuite } from "../harness/suite.ts";
import { CASES, DIFFERENCES, type LayersCase } from "./cases.ts";

const NAMESPACE = "default";
const SNAPSHOTTERS = { overlayfs: "/fs", native: "" } as const;
const PLATFORM = { architecture: "amd64", os: "linux" };

/** Makes an image as `docker save` does. Returns its path. */
function makeArchive(folder: string, { layers }: LayersCase, tag: string): string {
  const paths = layers.map((layer, index) => {
    mkdirSync(join(folder, String(index)));
    if ("archive" in layer) {
      writeFileSync(join(folder, `${index}/layer.tar`), layer.archive);
      return `${index}/layer.tar`;
    }
    const { script, tar } = layer;
    const directory = join(folder, `layer${index}`);
    mkdirSync(directory);
    execFileSync("bash", ["-ec", script], { cwd: directory });
    execFileSync("bash", ["-c", `set -f; tar --numeric-owner --sort=name -cf ../${index}/layer.tar ${tar}`], {
      cwd: directory,
    });
    return `${index}/layer.tar`;
  });
  const diffIds = paths.map((path) => digestOf(readFileSync(join(folder, path))));
  const rootfs = { type: "layers", diff_ids: diffIds };
  writeFileSync(join(folder, "config.json"), JSON.stringify({ ...PLATFORM, config: {}, rootfs }));
  writeFileSync(
    join(folder, "manifest.json"),
    JSON.stringify([{ Config: "config.json", RepoTags: [tag], Layers: paths }]),
  );
  execFileSync("tar", ["-cf", "image.tar", "config.json", "manifest.json", ...paths], { cwd: folder });
  return join(folder, "image.tar");
}

/** The trees of a snapshotter's snapshots, times since the beginning of the suite as one. */
function treesOf(paths: readonly string[], begin: number): readonly (readonly string[])[] {
  const isNow = (seconds: string) => Number(seconds) >= begin;
  return paths.map((path) =>
    listTree(path).map((line) =>
      line.replace(/ (\d{6,})\.\d+ /, (time, seconds: string) => (isNow(seconds) ? " now " : time)),
    ),
  );
}

/** containerd 2 imports by itself unless it is told not to, and unpacks for one snapshotter alone then. */
const LOCAL = containerdMajor() === 1 ? [] : ["--local"];

/** One case in both worlds. */
class Trial {
  readonly faults: string[] = [];
  readonly #case: LayersCase;
  readonly #daemon: Daemon;
  readonly #folder: string;
  readonly #name: string;
  readonly #begin = Math.floor(Date.now() / 1000) - 1;
  readonly #seen = new Set<(typeof DIFFERENCES)[number]>();

  constructor(daemon: Daemon, folder: string, one: LayersCase, index: number) {
    this.#case = one;
    this.#daemon = daemon;
    this.#folder = folder;
    this.#name = `docker.io/library/case${index}:1`;
  }

  async run(): Promise<void> {
    const archive = makeArchive(this.#folder, this.#case, this.#name);
    await using store = Store.open(openKernel(), {
      root: join(this.#folder, "store"),
      warn: (error) => this.faults.push(String(error)),
    });
    const scope = { namespace: NAMESPACE };
    const { images } = await importArchive(store.content, scope, chunksOf(readFileSync(archive)));
    const [image] = images;
    if (image === undefined) throw new Error("there is no image in the archive");
    store.images.create(NAMESPACE, { ...image, labels: NO_LABELS });
    for (const snapshotter of ["overlayfs", "native"] as const) {
      await this.#ctr("images", "import", ...LOCAL, "--snapshotter", snapshotter, archive);
      const snapshots = store.snapshotter(snapshotter);
      await unpackManifest({ kernel: store.kernel, content: store.content, snapshots }, scope, image.target);
      await this.#compare(store, snapshotter);
    }
    this.#expect("the digest of the manifest", image.target.digest, await this.#theirDigest());
    await this.#takeBack(store);
    for (const listed of DIFFERENCES) {
      if (listed.case === this.#case.name && !this.#seen.has(listed))
        this.faults.push(`no longer differs: ${listed.line}`);
    }
  }

  async #compare(store: Store, snapshotter: keyof typeof SNAPSHOTTERS): Promise<void> {
    const root = join(this.#daemon.folder, `root/io.containerd.snapshotter.v1.${snapshotter}/snapshots`);
    const numbers = this.#case.layers.map((_, index) => index + 1);
    const theirs = numbers.map((number) => join(root, `${number}${SNAPSHOTTERS[snapshotter]}`));
    const infos = [...store.snapshotter(snapshotter).walk(NAMESPACE, [])].sort((a, b) =>
      a.createdNs < b.createdNs ? -1 : 1,
    );
    const offset = snapshotter === "native" ? numbers.length : 0;
    const ours = numbers.map((number) => join(this.#folder, `store/snapshots/${snapshotter}/${number + offset}/fs`));
    const [own, peer] = [treesOf(ours, this.#begin), treesOf(theirs, this.#begin)];
    for (const [index, lines] of own.entries())
      this.#compareTrees(`${snapshotter} ${index + 1}`, lines, peer[index] ?? []);
    const usage = await this.#ctr("snapshots", "--snapshotter", snapshotter, "usage", "-b");
    for (const { name } of infos) {
      const { size, inodes } = await store.snapshotter(snapshotter).usage(NAMESPACE, name);
      const line = usage.split("\n").find((each) => each.startsWith(name));
      this.#expect(
        `usage of ${snapshotter} ${name}`,
        `${name} ${size} ${inodes}`,
        line?.trim().replace(/ +/g, " ") ?? "",
      );
    }
  }

  #compareTrees(where: string, own: readonly string[], peer: readonly string[]): void {
    const onlyOwn = own.filter((line) => !peer.includes(line)).map((line) => `tsrun:      ${line}`);
    const onlyPeer = peer.filter((line) => !own.includes(line)).map((line) => `containerd: ${line}`);
    for (const difference of [...onlyOwn, ...onlyPeer]) this.#differ(where, difference);
  }

  /** containerd imports what the store exports. */
  async #takeBack(store: Store): Promise<void> {
    const path = join(this.#folder, "exported.tar");
    const images = [store.images.get(NAMESPACE, this.#name)];
    const parts: Uint8Array[] = [];
    for await (const part of exportArchive(store.content.blobs, NAMESPACE, { images, platform: PLATFORM })) {
      parts.push(part.slice());
    }
    writeFileSync(path, Buffer.concat(parts));
    await this.#ctr("images", "rm", "--sync", this.#name);
    await this.#ctr("images", "import", "--no-unpack", path);
    this.#expect("the digest of what was exported", images[0]?.target.digest ?? "", await this.#theirDigest());
  }

  async #theirDigest(): Promise<string> {
    const list = await this.#ctr("images", "ls", `name==${this.#name}`);
    return /sha256:[0-9a-f]{64}/.exec(list)?.[0] ?? "";
  }

  #expect(what: string, own: string, peer: string): void {
    if (own !== peer) for (const each of [`tsrun: ${own}`, `containerd: ${peer}`]) this.#differ(what, each, what);
  }

  /** A difference is a fault, unless it is listed. */
  #differ(where: string, difference: string, line = difference.replace(/^\S+ +/, "")): void {
    const listed = DIFFERENCES.find((each) => each.case === this.#case.name && each.line.test(line));
    if (listed === undefined) this.faults.push(`${where}: ${difference}`);
    else this.#seen.add(listed);
  }

  async #ctr(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.#daemon.ctr(...words);
    if (status !== 0) throw new Error(`ctr ${words.join(" ")}: ${stderr}`);
    return stdout;
  }
}

async function judge(folder: string, one: LayersCase, index: number): Promise<readonly string[]> {
  mkdirSync(folder);
  // One of its own for each case: it numbers its snapshots from 1.
  const daemon = new Daemon(join(folder, "daemon"), "/bin/true");
  await daemon.start();
  const trial = new Trial(daemon, folder, one, index);
  try {
    await trial.run();
  } catch (error) {
    trial.faults.push(String(error instanceof Error ? error.stack : error));
  } finally {
    await daemon.stop("SIGTERM");
  }
  return trial.faults;
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, { only: { type: "string" } });
  return await runSuite({
    name: "layers",
    programs: ["containerd", "ctr", "tar", "setfattr"],
    judge: async (workspace, tally) => {
      for (const [index, one] of CASES.entries()) {
        if (values.only !== undefined && !one.name.includes(values.only)) continue;
        const faults = await judge(join(workspace.folder, `case${index}`), one, index);
        if (faults.length === 0) tally.pass(one.name);
        else tally.fail(one.name, faults);
      }
    },
  });
}

process.exitCode = await main();
