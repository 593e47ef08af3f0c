import { join } from "node:path";
import { ContainerError } from "../../errors.ts";
import { isExecutable } from "../files.ts";

/** Where plugins are, and how long one may take. */
export interface PluginSettings {
  readonly directories: readonly string[];
  readonly limitMs: number;
  /** Is added to its environment, which all that it starts inherits. */
  readonly mark: Readonly<Record<string, string>>;
}

/** CNI specification § Execution protocol: what a plugin is told by its environment. */
export interface PluginCall {
  readonly command: "ADD" | "DEL";
  readonly type: string;
  readonly containerId: string;
  /** The path of the namespace; "" for one that is gone. */
  readonly netns: string;
  readonly ifName: string;
  /** The configuration that it reads. */
  readonly input: unknown;
}

const MAX_OUTPUT_BYTES = 2 ** 20;
const MAX_LOG_CHARS = 2048;
/** The programs that plugins call are here where the daemon was started without a PATH. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Runs a plugin to its end. Gives what it has printed, parsed; undefined for nothing.
 * @throws {ContainerError} naming the plugin, with its own message; deadline_exceeded for one that was killed
 */
export async function runPlugin(settings: PluginSettings, call: PluginCall): Promise<unknown> {
  const { directories, limitMs } = settings;
  const { type, command } = call;
  const child = start(findPlugin(directories, type), settings, call);
  let stopped: ContainerError | undefined;
  const stop = (error: ContainerError) => {
    stopped ??= error;
    killGroup(child.pid);
  };
  const timer = setTimeout(() => {
    stop(new ContainerError("deadline_exceeded", `plugin ${type} did not end its ${command} within ${limitMs} ms`));
  }, limitMs);
  try {
    const tooMuch = () => stop(new ContainerError("internal", `plugin ${type} prints too much`));
    const outputs = [readLimited(child.stdout, tooMuch), readLimited(child.stderr, tooMuch)] as const;
    const [stdout, stderr] = await Promise.all(outputs);
    const status = await child.exited;
    if (stopped !== undefined) throw stopped;
    if (status !== 0) throw pluginFailed(type, { status, signal: child.signalCode, stdout, stderr });
    return parseOutput(type, stdout);
  } finally {
    clearTimeout(timer);
  }
}

/** The executable of a plugin. @throws {ContainerError} not_found */
export function findPlugin(directories: readonly string[], type: string): string {
  const path = directories.map((directory) => join(directory, type)).find(isExecutable);
  if (path !== undefined) return path;
  const where = directories.join(", ");
  const remedy = "install containernetworking-plugins, or set networks.plugin_dirs";
  throw new ContainerError("not_found", `plugin ${type} is not in ${where}: ${remedy}`);
}

function start(program: string, { directories, mark }: PluginSettings, call: PluginCall) {
  const { command, containerId, netns, ifName, input } = call;
  try {
    return Bun.spawn({
      ...{ cmd: [program], stdin: new TextEncoder().encode(JSON.stringify(input)), stdout: "pipe", stderr: "pipe" },
      ...{ cwd: "/", detached: true },
      env: {
        ...mark,
        ...{ PATH: process.env["PATH"] ?? PATH, CNI_PATH: directories.join(":") },
        ...{ CNI_COMMAND: command, CNI_CONTAINERID: containerId, CNI_NETNS: netns, CNI_IFNAME: ifName },
      },
    });
  } catch (error) {
    throw unusable(`cannot run plugin ${program}`, error);
  }
}

/** A plugin has a session of its own, with all that it has started. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}

async function readLimited(stream: AsyncIterable<Uint8Array>, tooMuch: () => void): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of stream) {
    bytes += part.length;
    if (bytes > MAX_OUTPUT_BYTES) tooMuch();
    else parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

interface Ending {
  readonly status: number;
  readonly signal: string | number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** CNI specification § Error: a plugin prints `code`, `msg` and `details`. */
function pluginFailed(type: string, { status, signal, stdout, stderr }: Ending): ContainerError {
  const how = signal === null ? `exited with status ${status}` : `was ended by ${signal}`;
  const { msg, details, code } = parseFault(stdout);
  const words = [msg, details].filter((word) => typeof word === "string" && word !== "").join(": ");
  const log = stderr.trim().slice(-MAX_LOG_CHARS);
  const why = words === "" ? [how, log].filter((word) => word !== "").join(": ") : `${words} (code ${code})`;
  return new ContainerError("internal", `plugin ${type}: ${why}`);
}

function parseFault(stdout: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(stdout);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function parseOutput(type: string, stdout: string): unknown {
  if (stdout.trim() === "") return undefined;
  try {
    return JSON.parse(stdout);
  } catch (error) {
    throw unusable(`plugin ${type} prints no JSON`, error);
  }
}

function unusable(message: string, cause: unknown): ContainerError {
  return new ContainerError("internal", message, { cause });
}
