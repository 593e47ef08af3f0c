import { containerd, type google, runtimeoptions } from "../../proto/gen/shim.js";
import { ContainerError, explain } from "../errors.ts";
import { findText, replaceFile } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";

/** containerd.runc.v1.Options: what a client may ask of the runtime of one container. */
export interface TaskOptions {
  /** The executable of another runtime that is driven in place of the one in this process. */
  readonly binaryName: string;
  /** Absolute path of the state root; a directory below it, named by containerd's namespace, is used. */
  readonly root: string;
  readonly noPivotRoot: boolean;
  readonly noNewKeyring: boolean;
  readonly systemdCgroup: boolean;
  readonly shimCgroup: string;
  /** Owner of the pipes and FIFOs that are the standard streams. */
  readonly ioUid: number;
  readonly ioGid: number;
  readonly criuImagePath: string;
  readonly criuWorkPath: string;
}

const NONE: TaskOptions = {
  binaryName: "",
  root: "",
  noPivotRoot: false,
  noNewKeyring: false,
  systemdCgroup: false,
  shimCgroup: "",
  ioUid: 0,
  ioGid: 0,
  criuImagePath: "",
  criuWorkPath: "",
};

const RUNC_OPTIONS = "containerd.runc.v1.Options";
const OLD_RUNC_OPTIONS = "containerd.linux.runc.CreateOptions";
/** What containerd sends when it knows of no options for this runtime: the text of a file, which we have no use for. */
const GENERIC_OPTIONS = "runtimeoptions.v1.Options";

/** Takes the options of a request apart. @throws {ContainerError} invalid_argument */
export function decodeOptions(any: google.protobuf.Any | null): TaskOptions {
  if (any === null || any.typeUrl === "") return NONE;
  const type = any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
  try {
    if (type === RUNC_OPTIONS) return fromRunc(containerd.runc.v1.Options.decode(any.value));
    if (type === OLD_RUNC_OPTIONS) return pick(containerd.linux.runc.CreateOptions.decode(any.value));
    if (type === GENERIC_OPTIONS) return fromGeneric(runtimeoptions.v1.Options.decode(any.value));
  } catch (error) {
    throw cannotDecode(any.typeUrl, explain(error));
  }
  throw cannotDecode(any.typeUrl, `must be ${RUNC_OPTIONS}`);
}

function fromRunc(options: containerd.runc.v1.Options): TaskOptions {
  const { root } = options;
  if (root !== "" && !root.startsWith("/"))
    throw new TypeError(`root ${JSON.stringify(root)} must be an absolute path`);
  return pick(options);
}

/** What of a message is an option of ours. */
function pick(message: Partial<TaskOptions>): TaskOptions {
  return {
    binaryName: message.binaryName ?? NONE.binaryName,
    root: message.root ?? NONE.root,
    noPivotRoot: message.noPivotRoot ?? NONE.noPivotRoot,
    noNewKeyring: message.noNewKeyring ?? NONE.noNewKeyring,
    systemdCgroup: message.systemdCgroup ?? NONE.systemdCgroup,
    shimCgroup: message.shimCgroup ?? NONE.shimCgroup,
    ioUid: message.ioUid ?? NONE.ioUid,
    ioGid: message.ioGid ?? NONE.ioGid,
    criuImagePath: message.criuImagePath ?? NONE.criuImagePath,
    criuWorkPath: message.criuWorkPath ?? NONE.criuWorkPath,
  };
}

function fromGeneric({ configPath, configBody }: runtimeoptions.v1.Options): TaskOptions {
  if (configPath === "" && configBody.length === 0) return NONE;
  throw new TypeError("a configuration file is not supported");
}

function cannotDecode(type: string, why: string): ContainerError {
  return new ContainerError("invalid_argument", `cannot use the runtime options ${type}: ${why}`);
}

/** Where `delete`, which is a process of its own and is told nothing, finds them. */
const FILE = "options.json";

/** Keeps the options in the bundle. @throws {ContainerError} */
export function writeOptions(kernel: Kernel, bundle: string, options: TaskOptions): void {
  replaceFile(kernel, `${bundle}/${FILE}`, JSON.stringify(options), 0o600);
}

/** The options a bundle's task was made with; those of a task that was never made are none. */
export function readOptions(kernel: Kernel, bundle: string): TaskOptions {
  const text = findText(kernel, `${bundle}/${FILE}`);
  if (text === undefined) return NONE;
  try {
    // Written by writeOptions() into a directory that only its owner can write to.
    return { ...NONE, ...(JSON.parse(text) as Partial<TaskOptions>) };
  } catch {
    return NONE;
  }
}

const DEFAULT_ROOT = "/run/containerd/tsrun";
/** That of containerd's own shim, for a runtime of its own executable. */
const DEFAULT_BINARY_ROOT = "/run/containerd/runc";

/** The state root of a task's runtime. */
export function stateRoot({ root, binaryName }: TaskOptions, namespace: string): string {
  const fallback = binaryName === "" ? DEFAULT_ROOT : DEFAULT_BINARY_ROOT;
  return `${root === "" ? fallback : root}/${namespace}`;
}
