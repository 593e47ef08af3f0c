import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { containerd, google } from "../../../proto/gen/daemon.js";
import { ContainerError } from "../../errors.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import { writeBlob, writeBytes } from "../images/write-blob.ts";
import { NO_LABELS } from "../labels.ts";
import { applyBlob } from "../layers/apply-blob.ts";
import { diffLayers } from "../layers/diff.ts";
import type { Container } from "../metadata/containers.ts";
import type { TypedBytes } from "../metadata/typed-bytes.ts";
import type { Scope } from "../names.ts";
import { bind } from "../snapshots/overlay.ts";
import type { Store } from "../store.ts";
import type { Task } from "./task-manager.ts";

/** containerd's names: criu's images as an archive, and the config of the container as an Any. */
const IMAGES = "application/vnd.containerd.container.criu.checkpoint.criu.tar";
const CONFIG = "application/vnd.containerd.container.checkpoint.config.v1+proto";
const OPTIONS = /(?:^|\/)containerd\.runc\.v1\.CheckpointOptions$/;

/** What is to be checkpointed, and how. */
export interface Checkpoint {
  readonly task: Task;
  readonly container: Container;
  /** containerd.runc.v1.CheckpointOptions, in most cases. */
  readonly options: TypedBytes | undefined;
}

/**
 * tasks.proto: Checkpoint. Writes the processes of a task to the content store: criu's images and the config. When the
 * options name a directory, the images are there, and nowhere else.
 * @throws {ContainerError} those of the shim; then the processes go on as they were
 */
export async function checkpointTask(
  store: Store,
  scope: Scope,
  { task, container, options }: Checkpoint,
): Promise<readonly Descriptor[]> {
  const given = imagePathOf(options);
  if (given !== "") {
    await task.shim.checkpoint(given, options);
    return [];
  }
  const folder = mkdtempSync(join(task.bundle.work, "checkpoint-"));
  try {
    const [images, nothing] = [join(folder, "images"), join(folder, "nothing")];
    for (const path of [images, nothing]) mkdirSync(path, { mode: 0o700 });
    await task.shim.checkpoint(images, options);
    const chunks = diffLayers(store.kernel, { lower: [bind(nothing, "ro")], upper: [bind(images, "ro")] });
    const archive = await writeBlob(store.content, scope, { ref: `checkpoint-${crypto.randomUUID()}`, chunks });
    const bytes = google.protobuf.Any.encode(container.spec).finish();
    const config = await writeBytes(store.content, scope, { bytes, labels: NO_LABELS });
    return [
      { mediaType: IMAGES, ...archive, annotations: new Map() },
      { mediaType: CONFIG, ...config, annotations: new Map() },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function imagePathOf(options: TypedBytes | undefined): string {
  if (options === undefined || !OPTIONS.test(options.typeUrl)) return "";
  return containerd.runc.v1.CheckpointOptions.decode(options.value).imagePath;
}

/** Unpacks what checkpointTask() has archived into a directory. @throws {ContainerError} invalid_argument, not_found */
export async function unpackCheckpoint(
  store: Store,
  namespace: string,
  { checkpoint, directory }: { readonly checkpoint: Descriptor; readonly directory: string },
): Promise<void> {
  if (checkpoint.mediaType !== IMAGES) {
    const why = `its media type is ${checkpoint.mediaType}, must be ${IMAGES}`;
    throw new ContainerError("invalid_argument", `cannot restore from ${checkpoint.digest}: ${why}`);
  }
  await applyBlob(store, namespace, { layer: checkpoint, mounts: [bind(directory, "rw")] });
}
