import { containerd } from "../../../proto/gen/daemon.js";
import type { Codec } from "../../../proto/gen/types.d.ts";
import type { Field } from "../filter/match.ts";

const { events } = containerd;
const images = containerd.services.images.v1;

/** The payloads whose fields filters can name. */
const CODECS: Readonly<Record<string, Codec<object>>> = {
  "containerd.events.TaskCreate": events.TaskCreate,
  "containerd.events.TaskStart": events.TaskStart,
  "containerd.events.TaskDelete": events.TaskDelete,
  "containerd.events.TaskExit": events.TaskExit,
  "containerd.events.TaskOOM": events.TaskOOM,
  "containerd.events.TaskExecAdded": events.TaskExecAdded,
  "containerd.events.TaskExecStarted": events.TaskExecStarted,
  "containerd.events.TaskPaused": events.TaskPaused,
  "containerd.events.TaskResumed": events.TaskResumed,
  "containerd.events.TaskCheckpointed": events.TaskCheckpointed,
  "containerd.events.ContainerCreate": events.ContainerCreate,
  "containerd.events.ContainerUpdate": events.ContainerUpdate,
  "containerd.events.ContainerDelete": events.ContainerDelete,
  "containerd.events.ContentDelete": events.ContentDelete,
  "containerd.events.NamespaceCreate": events.NamespaceCreate,
  "containerd.events.NamespaceUpdate": events.NamespaceUpdate,
  "containerd.events.NamespaceDelete": events.NamespaceDelete,
  "containerd.events.SnapshotPrepare": events.SnapshotPrepare,
  "containerd.events.SnapshotCommit": events.SnapshotCommit,
  "containerd.events.SnapshotRemove": events.SnapshotRemove,
  "containerd.services.images.v1.ImageCreate": images.ImageCreate,
  "containerd.services.images.v1.ImageUpdate": images.ImageUpdate,
  "containerd.services.images.v1.ImageDelete": images.ImageDelete,
};

/** The text of a field of an event's payload, e.g. of `["container_id"]` or `["labels", "a"]`. */
export function payloadField(
  event: { readonly typeUrl: string; readonly value: Uint8Array },
  path: readonly string[],
): Field {
  const codec = Object.hasOwn(CODECS, event.typeUrl) ? CODECS[event.typeUrl] : undefined;
  if (codec === undefined) return undefined;
  let payload: unknown;
  try {
    payload = codec.decode(event.value);
  } catch {
    // Whoever sent it wrote nonsense; no field of it matches.
    return undefined;
  }
  const [first = "", ...rest] = path;
  const value = read(
    payload,
    first.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  );
  const inner = rest.length > 0 ? read(value, rest.join(".")) : value;
  return typeof inner === "string" && inner !== "" ? inner : undefined;
}

function read(object: unknown, key: string): unknown {
  if (typeof object !== "object" || object === null) return undefined;
  return Object.entries(object).find(([name]) => name === key)?.[1];
}
