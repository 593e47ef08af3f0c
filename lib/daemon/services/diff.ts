import { containerd } from "../../../proto/gen/daemon.js";
import { type GrpcService, unary } from "../../rpc/grpc/method.ts";
import { writeDiff } from "../images/write-diff.ts";
import { applyBlob } from "../layers/apply-blob.ts";
import { fromDescriptor, toDescriptor, toLabels } from "../messages.ts";
import type { Store } from "../store.ts";
import { namespaceOf, scopeOf } from "./scope.ts";

const messages = containerd.services.diff.v1;
/** What is made for a client that does not say. */
const MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip";

/** services/diff/v1/diff.proto */
export function diffService(store: Store): GrpcService {
  return {
    name: "containerd.services.diff.v1.Diff",
    methods: [
      unary("Apply", [messages.ApplyRequest, messages.ApplyResponse], async ({ diff, mounts, syncFs }, context) => {
        const wanted = { layer: toDescriptor(diff), mounts, sync: syncFs };
        const applied = await applyBlob(store, namespaceOf(context), wanted);
        return { applied: fromDescriptor(applied) };
      }),
      unary("Diff", [messages.DiffRequest, messages.DiffResponse], async ({ left, right, ...request }, context) => {
        const mediaType = request.mediaType || MEDIA_TYPE;
        const ref = request.ref || `diff-${crypto.randomUUID()}`;
        const wanted = { lower: left, upper: right, mediaType, ref, labels: toLabels(request.labels) };
        return { diff: fromDescriptor(await writeDiff(store, scopeOf(context), wanted)) };
      }),
    ],
  };
}
