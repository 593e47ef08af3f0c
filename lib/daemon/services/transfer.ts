import { containerd, google } from "../../../proto/gen/daemon.js";
import { ContainerError } from "../../errors.ts";
import { platformOfMachine } from "../../image/platforms.ts";
import type { Progress } from "../../registry/progress.ts";
import { type GrpcService, unary } from "../../rpc/grpc/method.ts";
import { systemClock } from "../clock.ts";
import { fromDescriptor, required, toTyped } from "../messages.ts";
import type { ClientStream } from "../streams/client-stream.ts";
import type { StreamRegistry } from "../streams/stream-registry.ts";
import { decodeEnd, type End } from "../transfer/ends.ts";
import { TransferLeases } from "../transfer/leases.ts";
import { exportImages, importImages, pull, push, tagImage } from "../transfer/operations.ts";
import type { RegistrySettings } from "../transfer/settings.ts";
import type { TransferContext, TransferParts } from "../transfer/transfer.ts";
import type { StoreParts } from "./parts.ts";
import { saveImage } from "./save-image.ts";
import { scopeOf } from "./scope.ts";

const { TransferRequest } = containerd.services.transfer.v1;
const messages = containerd.types.transfer;
const PROGRESS = "containerd.types.transfer.Progress";

/** What transfers are made with. */
export interface TransferServiceParts extends StoreParts {
  readonly streams: StreamRegistry;
  readonly registry: RegistrySettings;
}

/** services/transfer/v1/transfer.proto */
export function transferService(parts: TransferServiceParts): GrpcService {
  const { store, streams, registry, collectGarbage } = parts;
  const transfer: TransferParts = {
    store,
    leases: new TransferLeases(store.leases, systemClock()),
    platform: platformOfMachine(process.arch),
    save: (namespace, image) => saveImage(parts, namespace, image),
  };
  return {
    name: "containerd.services.transfer.v1.Transfer",
    methods: [
      unary("Transfer", [TransferRequest, google.protobuf.Empty], async (request, context) => {
        const scope = scopeOf(context);
        const used: ClientStream[] = [];
        try {
          const id = request.options?.progressStream ?? "";
          const progress = id === "" ? undefined : streams.get(scope.namespace, id);
          if (progress !== undefined) used.push(progress);
          const decode = (any: google.protobuf.Any | null, what: string) =>
            decodeEnd({ streams, registry, used }, scope.namespace, toTyped(required(any, what)));
          const source = decode(request.source, "source");
          const destination = decode(request.destination, "destination");
          const report = (each: Progress) => progress?.offer(toMessage(each), { mustCome: !isPassing(each) });
          await run(transfer, { source, destination }, { scope, report, signal: context.signal });
        } finally {
          for (const stream of used) stream.close();
          collectGarbage("some time");
        }
        return {};
      }),
    ],
  };
}

async function run(
  parts: TransferParts,
  { source, destination }: { readonly source: End; readonly destination: End },
  context: TransferContext,
): Promise<void> {
  const pair = `${source.kind} to ${destination.kind}`;
  if (source.kind === "registry" && destination.kind === "store") {
    await pull(parts, source.end, destination.end, context);
  } else if (source.kind === "store" && destination.kind === "registry") {
    await push(parts, source.end, destination.end, context);
  } else if (source.kind === "import" && destination.kind === "store") {
    await importImages(parts, source.stream, destination.end, context);
  } else if (source.kind === "store" && destination.kind === "export") {
    await exportImages(parts, source.end, destination.end, context);
  } else if (source.kind === "store" && destination.kind === "store") {
    tagImage(parts, source.end, destination.end, context);
  } else throw new ContainerError("unimplemented", `cannot transfer from ${pair}`);
}

/** Whether the next of its kind tells the same and more. */
function isPassing({ event }: Progress): boolean {
  return event === "downloading" || event === "uploading";
}

function toMessage({ event, name, parents = [], progress = 0, total = 0, descriptor }: Progress) {
  const desc = descriptor === undefined ? {} : { desc: fromDescriptor(descriptor) };
  return {
    typeUrl: PROGRESS,
    value: messages.Progress.encode({ event, name, parents, progress, total, ...desc }).finish(),
  };
}
