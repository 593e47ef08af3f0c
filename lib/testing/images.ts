import { gzipSync } from "node:zlib";
import { digestOf } from "../image/digest.ts";
import { type TarPart, tarEntry, tarOf } from "./layers.ts";

/** For tests: an image as `docker save` makes it, of layers given by their entries. */
export function dockerArchive(name: string, ...layers: readonly (readonly TarPart[])[]): Uint8Array {
  const archives = layers.map((parts) => tarOf(...parts));
  const config = configOf(archives);
  const paths = archives.map((_, index) => `${index}/layer.tar`);
  const manifest = [{ Config: "config.json", RepoTags: [name], Layers: paths }];
  return tarOf(
    [tarEntry("config.json"), config],
    ...archives.flatMap((archive, index) => [
      tarEntry(`${index}/`, { type: "directory" }),
      file(paths[index] ?? "", archive),
    ]),
    [tarEntry("manifest.json"), JSON.stringify(manifest)],
  );
}

/** For tests: an image layout with one image of gzipped layers. */
export function ociArchive(
  annotations: Record<string, string>,
  ...layers: readonly (readonly TarPart[])[]
): Uint8Array {
  const archives = layers.map((parts) => tarOf(...parts));
  const blobs: Uint8Array[] = [];
  const add = (type: string, bytes: Uint8Array) => {
    blobs.push(bytes);
    return { mediaType: type, digest: digestOf(bytes), size: bytes.length };
  };
  const config = add("application/vnd.oci.image.config.v1+json", Buffer.from(configOf(archives)));
  const gzipped = archives.map((archive) => add("application/vnd.oci.image.layer.v1.tar+gzip", gzipSync(archive)));
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = add(
    mediaType,
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: gzipped })),
  );
  return tarOf(
    [tarEntry("oci-layout"), '{"imageLayoutVersion":"1.0.0"}'],
    [tarEntry("index.json"), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] })],
    ...blobs.map((bytes) => file(`blobs/${digestOf(bytes).replace(":", "/")}`, bytes)),
  );
}

function configOf(archives: readonly Uint8Array[]): string {
  const rootfs = { type: "layers", diff_ids: archives.map((archive) => digestOf(archive)) };
  return JSON.stringify({ architecture: "amd64", os: "linux", config: { Cmd: ["sh"] }, rootfs });
}

function file(name: string, bytes: Uint8Array): Uint8Array {
  const whole = tarOf(tarEntry(name, { size: bytes.length }));
  const header = whole.subarray(0, whole.length - 1024);
  return Buffer.concat([header, bytes, new Uint8Array((512 - (bytes.length % 512)) % 512)]);
}
