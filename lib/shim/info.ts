import { containerd } from "../../proto/gen/shim.js";
import type { Architecture } from "../linux/constants/syscalls.ts";
import { type BuildInfo, describeFeatures } from "../runtime/features.ts";

const RUNTIME = "io.containerd.tsrun.v2";
const FEATURES_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

/** types.proto, RuntimeInfo: what containerd is told of this shim before the first container. */
export function describeShim(architecture: Architecture, build: BuildInfo): Uint8Array {
  const features = new TextEncoder().encode(JSON.stringify(describeFeatures(architecture, build)));
  return containerd.types.RuntimeInfo.encode({
    name: RUNTIME,
    version: { version: build.version, revision: build.commit },
    features: { typeUrl: FEATURES_TYPE, value: features },
  }).finish();
}
