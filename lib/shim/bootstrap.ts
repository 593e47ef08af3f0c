import { containerd, google } from "../../proto/gen/shim.js";
import { decodeOptions } from "./options.ts";

/** What containerd tells `start` on its standard input. */
export interface Bootstrap {
  /** The cgroup the shim shall be in; "" for containerd's own. */
  readonly shimCgroup: string;
  /** Where the socket shall be; "" for the usual place. */
  readonly socketDirectory: string;
}

const NOTHING: Bootstrap = { shimCgroup: "", socketDirectory: "" };

/** The types of options, whatever stands before them. */
const OPTIONS = /(^|\/)(containerd\.runc\.v1\.Options|containerd\.linux\.runc\.CreateOptions)$/;

/**
 * Up to containerd 2.2 it is the runtime options in an Any, from 2.3 on a BootstrapParams that has them as an extension.
 * The first fields of both are strings: a known type tells them apart. Options of another kind say nothing of the shim. @throws {Error} for bytes that are neither
 */
export function decodeBootstrap(input: Uint8Array): Bootstrap {
  if (input.length === 0) return NOTHING;
  const any = google.protobuf.Any.decode(input);
  if (OPTIONS.test(any.typeUrl)) return { ...NOTHING, shimCgroup: decodeOptions(any).shimCgroup };
  const { extensions, socketDir } = containerd.runtime.bootstrap.v1.BootstrapParams.decode(input);
  const options = extensions.map(({ value }) => value).find((value) => OPTIONS.test(value?.typeUrl ?? ""));
  const shimCgroup = options === undefined ? "" : decodeOptions(options).shimCgroup;
  return { shimCgroup, socketDirectory: socketDir };
}
