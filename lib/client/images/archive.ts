import { exportArchive } from "../../archive/export.ts";
import { type ImportedImage, importArchive } from "../../archive/import.ts";
import type { ArchiveTarget, Labels, StoredBlob } from "../../archive/store.ts";
import { Digester, digestOf } from "../../image/digest.ts";
import type { Platform } from "../../image/platforms.ts";
import type { Client } from "../client.ts";
import { isAlreadyThere, RemoteContent } from "./content.ts";
import { withLease } from "./lease.ts";
import { type NamedImage, nameImage } from "./transfer.ts";
import { resolveImage, unpackImage } from "./unpack.ts";

/** How an archive is brought. */
export interface ImportOptions {
  /** The name of an image of which the archive has only a tag. */
  readonly nameOfTag: (tag: string) => string;
  readonly platform: Platform;
  readonly snapshotter: string;
  readonly unpack: boolean;
  /** Told of each image when its unpacking begins. */
  readonly report: (image: ImportedImage) => void;
}

/**
 * Brings the images of an archive, OCI's or docker's, compressed or not, into a daemon; unpacks those that are for the
 * platform, and gives them their names. @throws {ContainerError}
 */
export async function importTo(
  client: Client,
  chunks: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<readonly NamedImage[]> {
  return await withLease(client, async (leased) => {
    const content = new RemoteContent(leased);
    const { images } = await importArchive(archiveTarget(content), chunks, { nameOfTag: options.nameOfTag });
    for (const image of images) {
      if (image.name === "") continue;
      if (options.unpack) {
        options.report(image);
        const resolved = await resolveImage(content, image.target, options.platform);
        await unpackImage(leased, resolved, { snapshotter: options.snapshotter });
      }
      await nameImage(leased, image);
    }
    return images.filter(({ name }) => name !== "");
  });
}

/** The archive of images, as it is read: OCI's, which `docker load` takes, too. @throws {ContainerError} */
export function exportFrom(
  client: Client,
  images: readonly NamedImage[],
  platform: Platform,
): AsyncGenerator<Uint8Array, void> {
  return exportArchive(archiveTarget(new RemoteContent(client)), { images, platform });
}

/** A daemon's content, as archives know stores. */
function archiveTarget(content: RemoteContent): ArchiveTarget {
  return {
    has: (digest) => content.has(digest),
    document: (digest) => content.document(digest),
    openBlob: async (digest) => {
      const size = await content.size(digest);
      return { size, chunks: () => content.open(digest, 0), [Symbol.asyncDispose]: () => Promise.resolve() };
    },
    writeBlob: (ref, chunks, expected) => writeBlob(content, { ref, chunks, expected }),
    writeBytes: async (bytes, labels: Labels) => {
      const digest = digestOf(bytes);
      await content.write(digest, bytes, labels);
      return { digest, size: bytes.length };
    },
    label: (digest, labels) => content.label(digest, labels),
  };
}

interface Incoming {
  readonly ref: string;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** "" for any. */
  readonly expected: string;
}

/** Writes a stream as a blob; the stream is read to its end though the blob is there. What fails is not to be resumed. */
export async function writeBlob(content: RemoteContent, { ref, chunks, expected }: Incoming): Promise<StoredBlob> {
  let writer: Awaited<ReturnType<RemoteContent["openWriter"]>>;
  try {
    writer = await content.openWriter({ ref, total: 0, expected });
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
    return { digest: expected, size: await content.size(expected) };
  }
  const digester = new Digester();
  let isDone = false;
  try {
    await writer.truncate(0);
    for await (const bytes of chunks) {
      digester.update(bytes);
      await writer.write(bytes);
    }
    const digest = expected === "" ? digester.current() : expected;
    const blob = { digest, size: writer.offset };
    await commitUnlessThere(() => writer.commit({ size: blob.size, expected: digest, labels: new Map() }));
    isDone = true;
    return blob;
  } finally {
    await writer.close();
    if (!isDone) await content.abort(ref);
  }
}

async function commitUnlessThere(commit: () => Promise<unknown>): Promise<void> {
  try {
    await commit();
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
  }
}
