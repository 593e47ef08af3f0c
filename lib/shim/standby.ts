import { explain } from "../errors.ts";
import { OPEN } from "../linux/constants/files.ts";
import { checkedCall } from "../linux/fd.ts";
import { openFile, readText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { writeMemfd } from "../linux/memfd.ts";
import { rehearse } from "../runtime/rehearse.ts";
import { decodeBootstrap } from "./bootstrap.ts";
import { adjustOomScore, callerNofile, claimPlace, joinCgroups, type ShimPlace, writeAddress } from "./launch.ts";
import { runShim } from "./server.ts";

/** What a shim that waits is told, as a line of JSON. */
interface Assignment {
  readonly id: string;
  readonly namespace: string;
  /** Absolute path. */
  readonly bundle: string;
  /** What `start` would read from its standard input, in base64. */
  readonly options: string;
}

/** What every assignment has in common. */
export interface StandbySettings {
  readonly name: string;
  readonly address: string;
  readonly debug: boolean;
  readonly environment: Readonly<Record<string, string>>;
}

const MAX_LINE_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Waits on standard input for a task, with everything loaded and tried out; then answers on standard output as `start` does, in JSON, and
 * is the shim of that task. The end of input before that is its own end: the supervisor has gone.
 */
export async function standBy(kernel: Kernel, settings: StandbySettings): Promise<void> {
  tryOut(kernel);
  const line = readLine(kernel);
  if (line === undefined) return;
  let place: ShimPlace;
  const assignment: Assignment = JSON.parse(line);
  try {
    place = claim(kernel, settings, assignment);
    answer(kernel, { address: place.url });
  } catch (error) {
    answer(kernel, { error: explain(error) });
    return;
  }
  const { listener, path } = place;
  // The group has a shim already.
  if (listener === undefined) return;
  leaveStreams(kernel);
  const [soft = 0n, hard = 0n] = callerNofile(kernel);
  await runShim(kernel, {
    ...{ namespace: assignment.namespace, bundle: assignment.bundle, debug: settings.debug },
    ...{ listener: listener.release(), socketPath: path, eventAddress: settings.environment["TTRPC_ADDRESS"] ?? "" },
    ...{ nofile: { soft, hard }, environment: settings.environment },
  });
}

/** A machine that cannot have containers is told so when it is to make one. */
function tryOut(kernel: Kernel): void {
  try {
    rehearse(kernel);
  } catch {
    // As said above.
  }
}

function claim(kernel: Kernel, { name, address }: StandbySettings, assignment: Assignment): ShimPlace {
  const { id, namespace, bundle, options } = assignment;
  const bootstrap = decodeBootstrap(Uint8Array.fromBase64(options));
  const place = claimPlace(kernel, { id, namespace, address, bundle, bootstrap });
  if (place.listener !== undefined) {
    process.chdir(bundle);
    joinCgroups(kernel, place.cgroups, process.pid);
    adjustOomScore(kernel, process.pid);
    const words = [name, "-namespace", namespace, "-id", id, "-address", address, "-socket", place.path];
    replaceCommandLine(kernel, words);
  }
  writeAddress(kernel, bundle, place.url);
  return place;
}

/** read(2), which may wait: there is nothing else to do. undefined at the end. */
function readLine(kernel: Kernel): string | undefined {
  const buffer = new Uint8Array(MAX_LINE_BYTES);
  let size = 0;
  while (size < buffer.length && buffer[size - 1] !== NEWLINE) {
    const bytes = kernel.call("read", 0, buffer.subarray(size), buffer.length - size);
    if (bytes <= 0) return undefined;
    size += bytes;
  }
  return new TextDecoder().decode(buffer.subarray(0, size));
}

function answer(kernel: Kernel, value: { readonly address: string } | { readonly error: string }): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  kernel.call("write", 1, bytes, bytes.length);
}

/** A shim has no streams: whoever reads them comes to their end. */
function leaveStreams(kernel: Kernel): void {
  using nothing = openFile(kernel, "/dev/null", OPEN.O_RDWR);
  for (const fd of [0, 1, 2])
    checkedCall(kernel, { doing: "leave the standard streams" }, "dup3", nothing.number, fd, 0);
}

/** proc_pid_stat(5): where the arguments of a process are, the fields counted from the one after its name. */
const ARG_START = 45;
const ARG_END = 46;

/** Makes ps(1) show whose shim this is: the words take the place of those it was started with, as far as they go. */
function replaceCommandLine(kernel: Kernel, words: readonly string[]): void {
  const stat = readText(kernel, "/proc/self/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [start, end] = [Number(fields[ARG_START]), Number(fields[ARG_END])];
  const bytes = new Uint8Array(end - start);
  new TextEncoder().encodeInto(`${words.join("\0")}\0`, bytes.subarray(0, bytes.length - 1));
  using memory = openFile(kernel, "/proc/self/mem", OPEN.O_WRONLY);
  writeMemfd(kernel, memory, bytes, start);
}
