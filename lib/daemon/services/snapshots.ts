import { containerd, google } from "../../../proto/gen/daemon.js";
import { type GrpcService, type Method, serverStream, unary } from "../../rpc/grpc/method.ts";
import { fromMap, fromMounts, required, toLabels, toMask, toTimestamp } from "../messages.ts";
import type { SnapshotKind } from "../snapshots/driver.ts";
import type { SnapshotInfo } from "../snapshots/snapshot.ts";
import { inPages } from "./pages.ts";
import type { StoreParts } from "./parts.ts";
import { namespaceOf, scopeOf } from "./scope.ts";

const messages = containerd.services.snapshots.v1;
const payloads = containerd.events;
const { Empty } = google.protobuf;
const { Kind } = messages;

/** services/snapshots/v1/snapshots.proto */
export function snapshotsService(parts: StoreParts): GrpcService {
  return { name: "containerd.services.snapshots.v1.Snapshots", methods: [...changes(parts), ...queries(parts)] };
}

function changes({ store, events, collectGarbage }: StoreParts): readonly Method[] {
  return [
    unary("Prepare", [messages.PrepareSnapshotRequest, messages.PrepareSnapshotResponse], async (request, context) => {
      const { snapshotter, key, parent } = request;
      const scope = scopeOf(context);
      const snapshot = { key, parent, labels: toLabels(request.labels) };
      const mounts = await store.snapshotter(snapshotter).prepare(scope, snapshot);
      events.tell(
        ...([scope.namespace, "/snapshot/prepare", "containerd.events.SnapshotPrepare"] as const),
        ...([payloads.SnapshotPrepare, { key, parent, snapshotter }] as const),
      );
      return { mounts: fromMounts(mounts) };
    }),
    unary("View", [messages.ViewSnapshotRequest, messages.ViewSnapshotResponse], async (request, context) => {
      const { snapshotter, key, parent, labels } = request;
      const snapshot = { key, parent, labels: toLabels(labels) };
      return { mounts: fromMounts(await store.snapshotter(snapshotter).view(scopeOf(context), snapshot)) };
    }),
    unary("Commit", [messages.CommitSnapshotRequest, Empty], async ({ snapshotter, key, name, labels }, context) => {
      const scope = scopeOf(context);
      await store.snapshotter(snapshotter).commit(scope, { key, name, labels: toLabels(labels) });
      events.tell(
        ...([scope.namespace, "/snapshot/commit", "containerd.events.SnapshotCommit"] as const),
        ...([payloads.SnapshotCommit, { key, name, snapshotter }] as const),
      );
      return {};
    }),
    unary("Remove", [messages.RemoveSnapshotRequest, Empty], ({ snapshotter, key }, context) => {
      const namespace = namespaceOf(context);
      store.snapshotter(snapshotter).remove(namespace, key);
      events.tell(
        ...([namespace, "/snapshot/remove", "containerd.events.SnapshotRemove"] as const),
        ...([payloads.SnapshotRemove, { key, snapshotter }] as const),
      );
      collectGarbage("some time");
      return {};
    }),
    unary("Update", [messages.UpdateSnapshotRequest, messages.UpdateSnapshotResponse], (request, context) => {
      const { name, labels } = required(request.info, "info");
      const snapshots = store.snapshotter(request.snapshotter);
      const wanted = { name, labels: toLabels(labels) };
      return { info: toInfo(snapshots.update(namespaceOf(context), wanted, toMask(request.updateMask))) };
    }),
    unary("Cleanup", [messages.CleanupRequest, Empty], async ({ snapshotter }) => {
      // Files of removed snapshots go in the background; asked for, they are waited for.
      store.snapshotter(snapshotter);
      await store.idle();
      return {};
    }),
  ];
}

function queries({ store }: StoreParts): readonly Method[] {
  return [
    unary("Mounts", [messages.MountsRequest, messages.MountsResponse], ({ snapshotter, key }, context) => ({
      mounts: fromMounts(store.snapshotter(snapshotter).mounts(namespaceOf(context), key)),
    })),
    unary("Stat", [messages.StatSnapshotRequest, messages.StatSnapshotResponse], ({ snapshotter, key }, context) => ({
      info: toInfo(store.snapshotter(snapshotter).stat(namespaceOf(context), key)),
    })),
    serverStream("List", [messages.ListSnapshotsRequest, messages.ListSnapshotsResponse], function* (request, context) {
      const snapshots = store.snapshotter(request.snapshotter);
      const found = snapshots.walk(namespaceOf(context), request.filters);
      for (const page of inPages(found)) yield { info: page.map(toInfo) };
    }),
    unary("Usage", [messages.UsageRequest, messages.UsageResponse], async ({ snapshotter, key }, context) => {
      const { size, inodes } = await store.snapshotter(snapshotter).usage(namespaceOf(context), key);
      return { size, inodes };
    }),
  ];
}

const KINDS: Readonly<Record<SnapshotKind, number>> = {
  view: Kind.VIEW,
  active: Kind.ACTIVE,
  committed: Kind.COMMITTED,
};

function toInfo({ name, parent, kind, labels, createdNs, updatedNs }: SnapshotInfo) {
  const times = { createdAt: toTimestamp(createdNs), updatedAt: toTimestamp(updatedNs) };
  return { name, parent, kind: KINDS[kind], labels: fromMap(labels), ...times };
}
