import { ContainerError } from "../../errors.ts";
import { type Digest, digestOf } from "../../image/digest.ts";
import type { ContentStore } from "../content/content-store.ts";
import { type Labels, NO_LABELS } from "../labels.ts";
import type { Scope } from "../names.ts";

/** Bytes on their way into the content store, and what is known of them. */
export interface Incoming {
  readonly ref: string;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly expected?: Digest;
  readonly labels?: Labels;
}

/**
 * Writes a stream as a blob, from its beginning; one that is there already is no fault, and then labels are left as they
 * are. What fails is not left to be resumed: the stream is gone.
 * @throws {ContainerError} failed_precondition when the digest is another one
 */
export async function writeBlob(
  content: ContentStore,
  scope: Scope,
  { ref, chunks, expected = "", labels = NO_LABELS }: Incoming,
): Promise<{ readonly digest: Digest; readonly size: number }> {
  let isCommitted = false;
  try {
    await using writer = await content.ingests.openWriter(scope, { ref, expected });
    await writer.truncate(0);
    for await (const chunk of chunks) await writer.write(chunk);
    const size = writer.offset;
    const digest = await commitUnlessThere(
      () => writer.commit({ labels }),
      () => writer.digest(),
    );
    isCommitted = true;
    return { digest, size };
  } catch (error) {
    if (expected === "" || !isAlreadyThere(error)) throw error;
    return { digest: expected, size: content.blobs.info(scope.namespace, expected).size };
  } finally {
    if (!isCommitted) abortQuietly(content, scope, ref);
  }
}

/** Writes bytes that are at hand. */
export async function writeBytes(
  content: ContentStore,
  scope: Scope,
  { bytes, labels }: { readonly bytes: Uint8Array; readonly labels: Labels },
): Promise<{ readonly digest: Digest; readonly size: number }> {
  const expected = digestOf(bytes);
  const chunks = (async function* () {
    yield await Promise.resolve(bytes);
  })();
  const written = await writeBlob(content, scope, { ref: `document-${crypto.randomUUID()}`, chunks, expected, labels });
  const mask = [...labels.keys()].map((key) => `labels.${key}`);
  if (mask.length > 0) content.blobs.update(scope.namespace, { digest: expected, labels }, mask);
  return written;
}

async function commitUnlessThere(commit: () => Promise<Digest>, digest: () => Digest): Promise<Digest> {
  const known = digest();
  try {
    return await commit();
  } catch (error) {
    if (isAlreadyThere(error)) return known;
    throw error;
  }
}

/** Whether an error says that something exists already. */
export function isAlreadyThere(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "already_exists";
}

function abortQuietly(content: ContentStore, { namespace }: Scope, ref: string): void {
  try {
    content.ingests.abort(namespace, ref);
  } catch (error) {
    if (!(error instanceof ContainerError && (error.code === "not_found" || error.code === "unavailable"))) throw error;
  }
}
