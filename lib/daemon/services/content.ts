import { containerd, google } from "../../../proto/gen/daemon.js";
import { duplex, type GrpcService, type Method, serverStream, unary } from "../../rpc/grpc/method.ts";
import type { BlobInfo } from "../content/blobs.ts";
import type { IngestStatus } from "../content/ingest.ts";
import { type WriteRequest, WriteSession } from "../content/write-session.ts";
import { fromMap, required, toLabels, toMask, toNumber, toTimestamp } from "../messages.ts";
import { inPages } from "./pages.ts";
import type { StoreParts } from "./parts.ts";
import { namespaceOf, scopeOf } from "./scope.ts";

const messages = containerd.services.content.v1;
const { Empty } = google.protobuf;
const { WriteAction } = messages;

/** Of one message: a part of what a client takes unasked, so that the next is read while it is on its way. */
const READ_BYTES = 262_144;

/** services/content/v1/content.proto */
export function contentService(parts: StoreParts): GrpcService {
  return { name: "containerd.services.content.v1.Content", methods: [...blobMethods(parts), ...ingestMethods(parts)] };
}

function blobMethods({ store, events, collectGarbage }: StoreParts): readonly Method[] {
  const { blobs } = store.content;
  return [
    unary("Info", [messages.InfoRequest, messages.InfoResponse], ({ digest }, context) => ({
      info: toInfo(blobs.info(namespaceOf(context), digest)),
    })),
    unary("Update", [messages.UpdateRequest, messages.UpdateResponse], (request, context) => {
      const { digest, labels } = required(request.info, "info");
      const wanted = { digest, labels: toLabels(labels) };
      return { info: toInfo(blobs.update(namespaceOf(context), wanted, toMask(request.updateMask))) };
    }),
    serverStream("List", [messages.ListContentRequest, messages.ListContentResponse], function* ({ filters }, context) {
      for (const page of inPages(blobs.walk(namespaceOf(context), filters))) yield { info: page.map(toInfo) };
    }),
    unary("Delete", [messages.DeleteContentRequest, Empty], ({ digest }, context) => {
      const namespace = namespaceOf(context);
      blobs.delete(namespace, digest);
      events.tell(
        ...([namespace, "/content/delete", "containerd.events.ContentDelete"] as const),
        ...([containerd.events.ContentDelete, { digest }] as const),
      );
      collectGarbage("some time");
      return {};
    }),
    serverStream(
      "Read",
      [messages.ReadContentRequest, messages.ReadContentResponse],
      async function* (request, context) {
        await using reader = await blobs.openReader(namespaceOf(context), request.digest);
        const range = { offset: toNumber(request.offset), length: toNumber(request.size) };
        let offset = 0;
        for await (const data of reader.chunks({ ...range, chunkBytes: READ_BYTES })) {
          yield { offset, data };
          offset += data.length;
        }
      },
    ),
  ];
}

function ingestMethods({ store }: StoreParts): readonly Method[] {
  const { ingests } = store.content;
  return [
    unary("Status", [messages.StatusRequest, messages.StatusResponse], ({ ref }, context) => ({
      status: toStatus(ingests.status(namespaceOf(context), ref)),
    })),
    unary("ListStatuses", [messages.ListStatusesRequest, messages.ListStatusesResponse], ({ filters }, context) => ({
      statuses: ingests.list(namespaceOf(context), filters).map(toStatus),
    })),
    duplex("Write", [messages.WriteContentRequest, messages.WriteContentResponse], async function* (requests, context) {
      await using session = new WriteSession(ingests, scopeOf(context));
      for await (const request of requests) {
        const { startedNs, updatedNs, ...rest } = await session.handle(toWriteRequest(request));
        const times = { startedAt: toTimestamp(startedNs), updatedAt: toTimestamp(updatedNs) };
        yield { action: request.action, ...times, ...rest };
        if (request.action === WriteAction.COMMIT) return;
      }
    }),
    unary("Abort", [messages.AbortRequest, Empty], ({ ref }, context) => {
      ingests.abort(namespaceOf(context), ref);
      return {};
    }),
  ];
}

const ACTIONS: ReadonlyMap<number, WriteRequest["action"]> = new Map([
  [WriteAction.STAT, "stat"],
  [WriteAction.WRITE, "write"],
  [WriteAction.COMMIT, "commit"],
]);

function toWriteRequest(message: containerd.services.content.v1.WriteContentRequest): WriteRequest {
  const { action, ref, expected, data, total, offset, labels } = message;
  return {
    ...{ ref, expected, data },
    action: required(ACTIONS.get(action) ?? null, "action that is known"),
    total: toNumber(total),
    offset: toNumber(offset),
    labels: toLabels(labels),
  };
}

function toInfo({ digest, size, labels, createdNs, updatedNs }: BlobInfo) {
  const times = { createdAt: toTimestamp(createdNs), updatedAt: toTimestamp(updatedNs) };
  return { digest, size, labels: fromMap(labels), ...times };
}

function toStatus({ ref, offset, total, expected, startedNs, updatedNs }: IngestStatus) {
  const times = { startedAt: toTimestamp(startedNs), updatedAt: toTimestamp(updatedNs) };
  return { ref, offset, total, expected, ...times };
}
