import { containerd, google } from "../../../proto/gen/daemon.js";
import { type GrpcService, unary } from "../../rpc/grpc/method.ts";
import { fromDescriptor, fromMap, required, toDescriptor, toLabels, toMask, toTimestamp } from "../messages.ts";
import type { Image, NewImage } from "../metadata/images.ts";
import type { StoreParts } from "./parts.ts";
import { namespaceOf } from "./scope.ts";

const messages = containerd.services.images.v1;
type Message = containerd.services.images.v1.Image;

/** services/images/v1/images.proto */
export function imagesService({ store, events, collectGarbage }: StoreParts): GrpcService {
  const { images } = store;
  return {
    name: "containerd.services.images.v1.Images",
    methods: [
      unary("Get", [messages.GetImageRequest, messages.GetImageResponse], ({ name }, context) => ({
        image: imageMessage(images.get(namespaceOf(context), name)),
      })),
      unary("List", [messages.ListImagesRequest, messages.ListImagesResponse], ({ filters }, context) => ({
        images: images.list(namespaceOf(context), filters).map(imageMessage),
      })),
      unary("Create", [messages.CreateImageRequest, messages.CreateImageResponse], (request, context) => {
        const namespace = namespaceOf(context);
        const image = imageMessage(images.create(namespace, fromMessage(required(request.image, "image"))));
        events.tell(
          ...([namespace, "/images/create", "containerd.services.images.v1.ImageCreate"] as const),
          ...([messages.ImageCreate, image] as const),
        );
        return { image };
      }),
      unary("Update", [messages.UpdateImageRequest, messages.UpdateImageResponse], (request, context) => {
        const namespace = namespaceOf(context);
        const wanted = fromMessage(required(request.image, "image"));
        const image = imageMessage(images.update(namespace, wanted, toMask(request.updateMask)));
        events.tell(
          ...([namespace, "/images/update", "containerd.services.images.v1.ImageUpdate"] as const),
          ...([messages.ImageUpdate, image] as const),
        );
        return { image };
      }),
      unary("Delete", [messages.DeleteImageRequest, google.protobuf.Empty], ({ name, sync }, context) => {
        const namespace = namespaceOf(context);
        images.delete(namespace, name);
        events.tell(
          ...([namespace, "/images/delete", "containerd.services.images.v1.ImageDelete"] as const),
          ...([messages.ImageDelete, { name }] as const),
        );
        collectGarbage(sync ? "now" : "soon");
        return {};
      }),
    ],
  };
}

function fromMessage({ name, target, labels }: Message): NewImage {
  return { name, target: toDescriptor(target), labels: toLabels(labels) };
}

/** An image as clients know it. */
export function imageMessage({ name, target, labels, createdNs, updatedNs }: Image) {
  return {
    name,
    target: fromDescriptor(target),
    labels: fromMap(labels),
    createdAt: toTimestamp(createdNs),
    updatedAt: toTimestamp(updatedNs),
  };
}
