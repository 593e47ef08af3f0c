import { containerd } from "../../../proto/gen/daemon.js";
import type { Image, NewImage } from "../metadata/images.ts";
import { imageMessage } from "./images.ts";
import type { StoreParts } from "./parts.ts";

const { ImageCreate, ImageUpdate } = containerd.services.images.v1;

/** Makes an image, or lets its name stand for something else from now on, and tells of it. @throws {ContainerError} */
export function saveImage({ store, events }: StoreParts, namespace: string, image: NewImage): Image {
  // Nothing gives way in between: whatever is not there now can be made.
  if (store.images.find(namespace, image.name) === undefined) {
    const made = store.images.create(namespace, image);
    const typeUrl = "containerd.services.images.v1.ImageCreate";
    events.tell(namespace, "/images/create", typeUrl, ImageCreate, imageMessage(made));
    return made;
  }
  const changed = store.images.update(namespace, image, []);
  const typeUrl = "containerd.services.images.v1.ImageUpdate";
  events.tell(namespace, "/images/update", typeUrl, ImageUpdate, imageMessage(changed));
  return changed;
}
