import { containerd, google } from "../../../proto/gen/daemon.js";
import { type GrpcService, unary } from "../../rpc/grpc/method.ts";

const { VersionResponse } = containerd.services.version.v1;

/** What a server says of itself. */
export interface Build {
  readonly version: string;
  readonly revision: string;
}

/** services/version/v1/version.proto */
export function versionService({ version, revision }: Build): GrpcService {
  return {
    name: "containerd.services.version.v1.Version",
    methods: [unary("Version", [google.protobuf.Empty, VersionResponse], () => ({ version, revision }))],
  };
}
