import type { ArchiveSource, ArchiveTarget } from "../../archive/store.ts";
import type { BlobStore } from "../content/blobs.ts";
import type { ContentStore } from "../content/content-store.ts";
import type { Scope } from "../names.ts";
import { readDocument } from "./read-documents.ts";
import { writeBlob, writeBytes } from "./write-blob.ts";

/** The blobs of a namespace, for archives that are written. */
export function archiveSource(blobs: BlobStore, namespace: string): ArchiveSource {
  return {
    has: (digest) => Promise.resolve(blobs.find(namespace, digest) !== undefined),
    document: (digest) => readDocument(blobs, namespace, digest),
    openBlob: (digest) => blobs.openReader(namespace, digest),
  };
}

/** The content of a namespace, for archives that are read. The lease of the scope should hold it until images do. */
export function archiveTarget(content: ContentStore, scope: Scope): ArchiveTarget {
  return {
    ...archiveSource(content.blobs, scope.namespace),
    writeBlob: (ref, chunks, expected) => writeBlob(content, scope, { ref, chunks, expected }),
    writeBytes: (bytes, labels) => writeBytes(content, scope, { bytes, labels }),
    label: (digest, labels) => {
      const mask = [...labels.keys()].map((key) => `labels.${key}`);
      content.blobs.update(scope.namespace, { digest, labels }, mask);
      return Promise.resolve();
    },
  };
}
