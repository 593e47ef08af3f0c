import { containerd, google } from "../../proto/gen/shim.js";
import type { Architecture } from "../linux/constants/syscalls.ts";
import { type BuildInfo, describeFeatures } from "../runtime/features.ts";
import { decodeOptions } from "./options.ts";

const RUNTIME = "io.containerd.tsrun.v2";
const FEATURES_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

/**
 * types.proto, RuntimeInfo: what containerd is told of this shim before the first container. `options` is what a task would
 * be given, an Any: the features are those of the executable that it names.
 */
export function describeShim(architecture: Architecture, build: BuildInfo, options: Uint8Array): Uint8Array {
  const { binaryName } = decodeOptions(options.length === 0 ? null : google.protobuf.Any.decode(options));
  const features = binaryName === "" ? JSON.stringify(describeFeatures(architecture, build)) : featuresOf(binaryName);
  return containerd.types.RuntimeInfo.encode({
    name: RUNTIME,
    version: { version: build.version, revision: build.commit },
    ...(options.length === 0 ? {} : { options: google.protobuf.Any.decode(options) }),
    ...(features === undefined
      ? {}
      : { features: { typeUrl: FEATURES_TYPE, value: new TextEncoder().encode(features) } }),
  }).finish();
}

/** What another runtime says of itself; undefined for one that knows no such command. @throws {Error} when it is not there */
function featuresOf(program: string): string | undefined {
  const { exitCode, stdout } = Bun.spawnSync({
    cmd: [program, "features"],
    env: { PATH: process.env["PATH"] ?? "" },
    stderr: "ignore",
  });
  const text = stdout.toString();
  return exitCode === 0 && text.startsWith("{") ? text : undefined;
}
