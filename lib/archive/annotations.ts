/** containerd's annotation with the full name of an image in an index. */
export const IMAGE_NAME_ANNOTATION = "io.containerd.image.name";
/** image-spec § Annotations: the tag of an image in an index. */
export const REF_NAME_ANNOTATION = "org.opencontainers.image.ref.name";
