import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeRootfs } from "../harness/rootfs.ts";

/** The image of this suite, as `ctr image import` names it. */
export const IMAGE = "conformance.local/busybox:1";

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

/** Packs a directory with tar(1). @throws {Error} with what it says */
function pack(directory: string, archive: string): void {
  const { exitCode, stderr } = Bun.spawnSync({
    cmd: ["tar", "-C", directory, "--owner=0", "--group=0", "--numeric-owner", "-cf", archive, "."],
    stderr: "pipe",
  });
  if (exitCode !== 0) throw new Error(`cannot pack ${directory}: ${stderr}`);
}

/** Makes an image of one layer with busybox, as an archive that `ctr image import` takes. Gives its path. */
export async function makeImage(folder: string): Promise<string> {
  const rootfs = join(folder, "rootfs");
  makeRootfs(rootfs);
  return (await makeArchive(folder, IMAGE, [rootfs])).archive;
}

/** An image as a file. */
export interface ImageArchive {
  readonly archive: string;
  /** The digest of its manifest. */
  readonly manifest: string;
}

/** Makes an archive of an image, with a layer for each of some directories. */
export async function makeArchive(folder: string, name: string, layers: readonly string[]): Promise<ImageArchive> {
  const layout = join(folder, "layout");
  mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
  const describe = (mediaType: string, bytes: Uint8Array) => {
    const digest = sha256(bytes);
    writeFileSync(join(layout, "blobs/sha256", digest), bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  };
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const described: ReturnType<typeof describe>[] = [];
  for (const [index, directory] of layers.entries()) {
    const file = join(folder, index === 0 ? "layer.tar" : `layer-${index}.tar`);
    pack(directory, file);
    described.push(
      describe("application/vnd.oci.image.layer.v1.tar", new Uint8Array(await Bun.file(file).arrayBuffer())),
    );
  }
  const config = describe(
    "application/vnd.oci.image.config.v1+json",
    json({
      architecture: ARCHITECTURES[process.arch],
      os: "linux",
      config: { Env: ["PATH=/bin"], Cmd: ["sh"] },
      rootfs: { type: "layers", diff_ids: described.map(({ digest }) => digest) },
    }),
  );
  const manifestType = "application/vnd.oci.image.manifest.v1+json";
  const text = json({ schemaVersion: 2, mediaType: manifestType, config, layers: described });
  const manifest = describe(manifestType, text);
  const annotations = { "io.containerd.image.name": name };
  writeFileSync(join(layout, "index.json"), json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
  writeFileSync(join(layout, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  const archive = join(folder, "image.tar");
  pack(layout, archive);
  return { archive, manifest: manifest.digest };
}
