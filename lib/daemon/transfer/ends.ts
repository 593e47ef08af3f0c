import { containerd } from "../../../proto/gen/daemon.js";
import type { Codec } from "../../../proto/gen/types.d.ts";
import { ContainerError } from "../../errors.ts";
import type { Platform } from "../../image/platforms.ts";
import { toLabels } from "../messages.ts";
import type { TypedBytes } from "../metadata/typed-bytes.ts";
import type { ClientStream } from "../streams/client-stream.ts";
import type { StreamRegistry } from "../streams/stream-registry.ts";
import { askClient } from "./auth-stream.ts";
import type { ImageStoreEnd } from "./image-store.ts";
import type { ExportEnd, RegistryEnd } from "./operations.ts";
import { type RegistrySettings, registryOptions } from "./settings.ts";

const types = containerd.types.transfer;

/** What a transfer can go from, or to. */
export type End =
  | { readonly kind: "registry"; readonly end: RegistryEnd }
  | { readonly kind: "store"; readonly end: ImageStoreEnd }
  | { readonly kind: "import"; readonly stream: ClientStream }
  | { readonly kind: "export"; readonly end: ExportEnd };

/** What ends are made with. */
export interface EndParts {
  readonly streams: StreamRegistry;
  readonly registry: RegistrySettings;
  /** Streams that were named, to be closed when the transfer is over. */
  readonly used: ClientStream[];
}

const PREFIX = "containerd.types.transfer.";

/** Takes the source or the destination of a transfer apart. @throws {ContainerError} unimplemented, not_found */
export function decodeEnd(parts: EndParts, namespace: string, { typeUrl, value }: TypedBytes): End {
  const stream = (id: string): ClientStream => {
    const found = parts.streams.get(namespace, id);
    parts.used.push(found);
    return found;
  };
  const decode = <T>(codec: Codec<T>): T => {
    try {
      return codec.decode(value);
    } catch (error) {
      throw notWhole(typeUrl, error);
    }
  };
  switch (typeUrl) {
    case `${PREFIX}OCIRegistry`: {
      const { reference, resolver } = decode(types.OCIRegistry);
      const { authStream = "", headers = {}, hostDir = "", defaultScheme = "" } = resolver ?? {};
      const credentials = authStream === "" ? undefined : askClient(stream(authStream));
      const wishes = { hostsDirectory: hostDir, scheme: defaultScheme, headers, credentials };
      return { kind: "registry", end: { reference, options: registryOptions(parts.registry, wishes) } };
    }
    case `${PREFIX}ImageStore`:
      return { kind: "store", end: toImageStore(decode(types.ImageStore)) };
    case `${PREFIX}ImageImportStream`:
      return { kind: "import", stream: stream(decode(types.ImageImportStream).stream) };
    case `${PREFIX}ImageExportStream`: {
      const message = decode(types.ImageExportStream);
      const end = {
        stream: stream(message.stream),
        platforms: message.platforms.map(toPlatform),
        withoutDocker: message.skipCompatibilityManifest,
      };
      return { kind: "export", end };
    }
    default:
      throw new ContainerError("unimplemented", `cannot transfer from or to ${typeUrl || "what has no type"}`);
  }
}

function notWhole(typeUrl: string, cause: unknown): ContainerError {
  return new ContainerError("invalid_argument", `cannot decode ${typeUrl}`, { cause });
}

function toImageStore(message: containerd.types.transfer.ImageStore): ImageStoreEnd {
  const { name, labels, platforms, manifestLimit, extraReferences, unpacks } = message;
  return {
    ...{ name, labels: toLabels(labels), platforms: platforms.map(toPlatform), manifestLimit },
    references: extraReferences,
    unpacks: unpacks.map(({ platform, snapshotter }) => ({
      ...{ snapshotter, platform: platform === null || platform.os === "" ? undefined : toPlatform(platform) },
    })),
  };
}

function toPlatform({ os, architecture, variant }: containerd.types.Platform): Platform {
  return { os, architecture, ...(variant === "" ? {} : { variant }) };
}
