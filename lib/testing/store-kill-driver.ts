/**
 * Run by tests: works on a store, and dies by SIGKILL in place of its N-th call to the kernel, or when it asks for the time
 * for the N-th time, which is in the middle of each change of metadata. Whatever was acknowledged is told on standard
 * output first, so that the test can ask for it.
 */
import { writeSync } from "node:fs";
import { systemClock } from "../daemon/clock.ts";
import { importArchive } from "../daemon/images/import.ts";
import { unpackManifest } from "../daemon/images/unpack.ts";
import { NO_LABELS } from "../daemon/labels.ts";
import { Store } from "../daemon/store.ts";
import { openKernel } from "../linux/kernel.ts";
import { ociArchive } from "./images.ts";
import { chunksOf, tarEntry } from "./layers.ts";

const NAMESPACE = "one";
const [root = "", moment = "", count = "0"] = process.argv.slice(2);

function acknowledge(what: string): void {
  writeSync(1, `${what}\n`);
}

/** Imports and unpacks an image of its own, deletes the one before, and collects what that leaves. */
async function work(store: Store, round: number): Promise<void> {
  const scope = { namespace: NAMESPACE, lease: `${process.pid}-${round}` };
  store.leases.create(NAMESPACE, { id: scope.lease, labels: NO_LABELS });
  const name = `image:${process.pid}-${round}`;
  const files = Array.from({ length: 20 }, (_, n) => [tarEntry(`d${n}/f`), `${name} ${n}`.repeat(50)] as const);
  const archive = ociArchive({ "io.containerd.image.name": name }, files, [tarEntry(`${round}`)]);
  const { images } = await importArchive(store.content, scope, chunksOf(archive, 4096));
  const [image] = images;
  if (image === undefined) throw new Error("no image");
  const snapshots = store.snapshotter(round % 2 === 0 ? "overlayfs" : "native");
  await unpackManifest({ kernel: store.kernel, content: store.content, snapshots }, scope, image.target);
  store.images.create(NAMESPACE, { ...image, labels: NO_LABELS });
  acknowledge(`image ${name}`);
  store.leases.delete(NAMESPACE, scope.lease);
  for (const { name: other } of store.images.list(NAMESPACE, [])) {
    if (other === name) continue;
    acknowledge(`gone ${other}`);
    store.images.delete(NAMESPACE, other);
  }
  store.collector.collect();
}

/** Counts what the store does of one kind, and dies at the last. */
function countdown(kind: "clock" | "kernel"): () => void {
  let left = moment === kind ? Number(count) : Number.POSITIVE_INFINITY;
  return () => {
    left--;
    if (left <= 0) process.kill(process.pid, "SIGKILL");
  };
}

const kernel = openKernel();
const clock = systemClock();
const [onCall, onClock] = [countdown("kernel"), countdown("clock")];
const opened = Store.open(
  {
    architecture: kernel.architecture,
    spawn: (path, argv) => kernel.spawn(path, argv),
    call: (name, ...args) => {
      onCall();
      return kernel.call(name, ...args);
    },
  },
  {
    root,
    clock: () => {
      onClock();
      return clock();
    },
    warn: (error) => {
      throw error;
    },
  },
);
for (let round = 0; ; round++) await work(opened, round);
