import { containerd } from "../../../proto/gen/daemon.js";
import { ContainerError } from "../../errors.ts";
import type { Bundle, ShimCommand } from "./bundle.ts";
import type { StandbyShims } from "./standby.ts";

/** What every shim is told of the daemon. */
export interface DaemonAddresses {
  /** The gRPC socket, of which the name of the shim's own is made. */
  readonly grpc: string;
  /** The socket that takes events. */
  readonly ttrpc: string;
  /** An executable that publishes events, for shims of old. */
  readonly publisher: string;
  readonly debug: boolean;
}

/** What a shim is started with. */
interface ShimStart {
  readonly addresses: DaemonAddresses;
  readonly options: Uint8Array;
  /** Those that are there before they are needed. */
  readonly standby?: StandbyShims;
}

/** A shim that takes longer hangs. */
const START_MS = 30_000;
const DELETE_MS = 10_000;
const INFO_MS = 10_000;
const MAX_ANSWER_CHARS = 4096;

/** Starts the shim of a bundle. Returns the path of its socket. @throws {ContainerError} */
export async function startShim(
  command: ShimCommand,
  bundle: Bundle,
  { addresses, options, standby }: ShimStart,
): Promise<string> {
  const waiting = await standby?.assign(command, bundle, options);
  if (waiting !== undefined) return parseAddress(waiting);
  const { stdout, stderr, status } = await callShim(command, bundle, {
    ...{ addresses, stdin: options, limitMs: START_MS },
    words: ["start"],
  });
  if (status === 0) return parseAddress(new TextDecoder().decode(stdout));
  const why = stderr.trim() === "" ? `${command.name} exited with status ${status}` : stderr.trim();
  throw new ContainerError("internal", `cannot start the shim of ${bundle.id}: ${why}`);
}

/** What is left of a process whose shim has gone. */
export interface Remains {
  readonly pid: number;
  readonly exitStatus: number;
  readonly exitedNs: bigint | undefined;
}

const NS_PER_S = 1_000_000_000n;

/** Lets a shim's executable remove what a shim has left. @throws {ContainerError} */
export async function deleteByShim(command: ShimCommand, bundle: Bundle, addresses: DaemonAddresses): Promise<Remains> {
  const { stdout, stderr, status } = await callShim(command, bundle, {
    ...{ addresses, stdin: new Uint8Array(), limitMs: DELETE_MS },
    words: ["-bundle", bundle.path, "delete"],
  });
  if (status !== 0) throw new ContainerError("internal", `cannot remove task ${bundle.id}: ${stderr.trim()}`);
  const { pid, exitStatus, exitedAt } = containerd.task.v2.DeleteResponse.decode(stdout);
  const exitedNs = exitedAt === null ? undefined : BigInt(String(exitedAt.seconds)) * NS_PER_S + BigInt(exitedAt.nanos);
  return { pid, exitStatus, exitedNs };
}

interface ShimCall {
  readonly words: readonly string[];
  readonly addresses: DaemonAddresses;
  readonly stdin: Uint8Array;
  readonly limitMs: number;
}

async function callShim({ program, name }: ShimCommand, bundle: Bundle, call: ShimCall) {
  const { addresses, words, stdin, limitMs } = call;
  const { namespace, id, path } = bundle;
  const flags = [
    "-namespace",
    namespace,
    "-address",
    addresses.grpc,
    "-publish-binary",
    addresses.publisher,
    "-id",
    id,
  ];
  return await runShim(
    { program, name },
    {
      words: [...flags, ...(addresses.debug ? ["-debug"] : []), ...words],
      cwd: path,
      stdin,
      environment: {
        ...{ PATH: process.env["PATH"] ?? "", TTRPC_ADDRESS: addresses.ttrpc, GRPC_ADDRESS: addresses.grpc },
        ...{ NAMESPACE: namespace, MAX_SHIM_VERSION: "2", GOMAXPROCS: "2" },
      },
      doing: `${words.at(-1)} of ${id}`,
      limitMs,
    },
  );
}

/**
 * runtime/v2, `-info`: what the shim of a runtime says of itself, a RuntimeInfo. `options` are those it would be given for a
 * container, an Any. @throws {ContainerError}
 */
export async function askShim(command: ShimCommand, options: Uint8Array): Promise<Uint8Array> {
  const { stdout, stderr, status } = await runShim(command, {
    ...{ words: ["-info"], cwd: "/", stdin: options, doing: "-info", limitMs: INFO_MS },
    environment: { PATH: process.env["PATH"] ?? "", GOMAXPROCS: "2" },
  });
  if (status === 0) return stdout;
  throw new ContainerError("internal", `cannot ask ${command.name} what it is: ${stderr.trim()}`);
}

interface ShimRun extends Omit<Spawn, "name"> {
  /** For who is told that it took too long. */
  readonly doing: string;
  readonly limitMs: number;
}

async function runShim({ program, name }: ShimCommand, { doing, limitMs, ...rest }: ShimRun) {
  const child = spawn(program, { ...rest, name });
  const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
  try {
    const [stdout, stderr, status] = await Promise.all([child.stdout.bytes(), child.stderr.text(), child.exited]);
    if (child.signalCode === "SIGKILL") {
      throw new ContainerError("deadline_exceeded", `${name} ${doing} did not end within ${limitMs} ms`);
    }
    return { stdout, stderr, status };
  } finally {
    clearTimeout(timer);
  }
}

interface Spawn {
  readonly words: readonly string[];
  readonly name: string;
  readonly cwd: string;
  readonly stdin: Uint8Array;
  readonly environment: Readonly<Record<string, string>>;
}

function spawn(program: string, { words, name, cwd, stdin, environment }: Spawn) {
  try {
    return Bun.spawn({
      ...{ cmd: [program, ...words], argv0: name, cwd, env: environment },
      ...{ stdin, stdout: "pipe", stderr: "pipe" },
      // Signals to the daemon's group are not meant for what it starts.
      detached: true,
    });
  } catch (error) {
    throw cannotRun(program, error);
  }
}

function cannotRun(program: string, cause: unknown): ContainerError {
  return new ContainerError("internal", `cannot run ${program}`, { cause });
}

/** A bare address, or JSON with one. @throws {ContainerError} unimplemented for a protocol that is not ttrpc */
export function parseAddress(text: string): string {
  const answer = text.trim().slice(0, MAX_ANSWER_CHARS);
  if (!answer.startsWith("{")) return toPath(answer);
  const { address, protocol } = parseBootstrap(answer);
  if (protocol !== "ttrpc")
    throw new ContainerError("unimplemented", `cannot talk to a shim by ${protocol}: must be ttrpc`);
  return toPath(address);
}

function parseBootstrap(text: string): { readonly address: string; readonly protocol: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "address" in value && "protocol" in value) {
      return { address: String(value.address), protocol: String(value.protocol) };
    }
  } catch {
    // Said below.
  }
  throw new ContainerError("internal", `cannot understand what a shim has answered: ${JSON.stringify(text)}`);
}

/** An address without `unix://` is an abstract socket's. */
function toPath(address: string): string {
  if (address === "") throw new ContainerError("internal", "a shim has answered with no address");
  return address.startsWith("unix://") ? address.slice("unix://".length) : `\0${address}`;
}
