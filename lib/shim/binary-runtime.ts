import { ContainerError } from "../errors.ts";
import { detectCgroups, parseProcCgroup } from "../linux/cgroup/detect.ts";
import { addressOf } from "../linux/ffi.ts";
import { exists, findText, readText, removeFile } from "../linux/files.ts";
import { acceptStream, listenStream, receiveFd, sendWithFd } from "../linux/socket.ts";
import type { Process } from "../spec/config.ts";
import type { LinuxResources } from "../spec/resources.ts";
import type { Status } from "../spec/state.ts";
import type { Machine } from "./machine.ts";
import type { TaskOptions } from "./options.ts";
import { lastError, type Outcome, type RunOptions, runProgram } from "./program.ts";
import type {
  CgroupPlaces,
  CheckpointRequest,
  CreatedInit,
  GivenStdio,
  RestoreRequest,
  TaskRuntime,
} from "./runtime.ts";
import { SOCKET_DIRECTORY } from "./socket.ts";

/** What a runtime of its own executable is driven with. */
export interface BinaryParts {
  readonly machine: Machine;
  readonly id: string;
  readonly bundle: string;
  /** Its state root. */
  readonly root: string;
  readonly options: TaskOptions;
}

let sockets = 0;

/** Another runtime's executable, with runc's command line; its containers' processes come to this subreaper. */
export class BinaryRuntime implements TaskRuntime {
  readonly #parts: BinaryParts;
  readonly #log: string;
  #pid = 0;
  #execs = 0;

  constructor(parts: BinaryParts) {
    this.#parts = parts;
    this.#log = `${parts.bundle}/log.json`;
  }

  async create(stdio: GivenStdio): Promise<CreatedInit> {
    return await this.#makeInit(["create", ...(this.#parts.options.noNewKeyring ? ["--no-new-keyring"] : [])], stdio);
  }

  async restore({ imagePath, workPath }: RestoreRequest, stdio: GivenStdio): Promise<CreatedInit> {
    const work = this.#parts.options.criuWorkPath || workPath;
    const words = ["restore", "--detach", "--no-subreaper", "--image-path", imagePath, "--work-path", work];
    return await this.#makeInit(words, stdio);
  }

  async #makeInit(words: readonly string[], stdio: GivenStdio): Promise<CreatedInit> {
    const { bundle, options, machine } = this.#parts;
    const pidFile = `${bundle}/init.pid`;
    const flags = options.noPivotRoot ? ["--no-pivot"] : [];
    await this.#runWithStdio([...words, "--bundle", bundle, "--pid-file", pidFile, ...flags], stdio);
    this.#pid = Number(readText(machine.kernel, pidFile));
    return { pid: this.#pid, ownPidNamespace: hasOwnPidNamespace(readText(machine.kernel, `${bundle}/config.json`)) };
  }

  async adopt(pid: number): Promise<Status> {
    this.#pid = pid;
    const { stdout } = await this.#run(["state"]);
    // runtime.md § Query State.
    return (JSON.parse(stdout) as { readonly status: Status }).status;
  }

  async start(): Promise<void> {
    await this.#run(["start"]);
  }

  async exec(process: Process, stdio: GivenStdio): Promise<number> {
    const { kernel } = this.#parts.machine;
    this.#execs += 1;
    const name = `${this.#parts.bundle}/exec-${this.#execs}`;
    await Bun.write(`${name}.json`, JSON.stringify(process));
    try {
      const tty = process.terminal === true ? ["--tty"] : [];
      const words = ["exec", "--detach", "--process", `${name}.json`, "--pid-file", `${name}.pid`, ...tty];
      await this.#runWithStdio(words, stdio);
      return Number(readText(kernel, `${name}.pid`));
    } finally {
      for (const suffix of ["json", "pid"]) removeFile(kernel, `${name}.${suffix}`);
    }
  }

  async kill(signal: number, all: boolean): Promise<void> {
    await this.#run(["kill", ...(all ? ["--all"] : [])], { after: [String(signal)] });
  }

  async pause(): Promise<void> {
    await this.#run(["pause"]);
  }

  async resume(): Promise<void> {
    await this.#run(["resume"]);
  }

  async update(resources: LinuxResources): Promise<void> {
    await this.#run(["update", "--resources", "-"], { stdin: JSON.stringify(resources) });
  }

  async checkpoint(request: CheckpointRequest): Promise<void> {
    const flags: readonly (readonly [string, boolean])[] = [
      ["--leave-running", !request.exit],
      ["--tcp-established", request.openTcp],
      ["--ext-unix-sk", request.externalUnixSockets],
      ["--shell-job", request.terminal],
      ["--file-locks", request.fileLocks],
    ];
    const chosen = flags.filter(([, isSet]) => isSet).map(([flag]) => flag);
    const empty = request.emptyNamespaces.flatMap((name) => ["--empty-ns", name]);
    const paths = ["--image-path", request.imagePath, "--work-path", request.workPath];
    await this.#run(["checkpoint", ...paths, ...chosen, ...empty]);
  }

  async pids(): Promise<readonly number[]> {
    const { stdout } = await this.#run(["ps", "--format", "json"]);
    const pids: unknown = JSON.parse(stdout);
    return Array.isArray(pids) ? pids.filter((pid) => typeof pid === "number") : [];
  }

  async delete(): Promise<void> {
    await this.#run(["delete", "--force"]);
  }

  cgroups(): CgroupPlaces | undefined {
    const { kernel } = this.#parts.machine;
    const text = findText(kernel, `/proc/${this.#pid}/cgroup`, "ENOENT", "ESRCH");
    if (text === undefined) return undefined;
    const own = parseProcCgroup(text);
    const mounted = detectCgroups(kernel);
    const hierarchies = mounted.mode === "v2" ? [mounted.unified] : mounted.hierarchies;
    const directories = hierarchies.flatMap(({ controllers, mountPoint }) => {
      const name = mounted.mode === "v2" ? "" : controllers.join();
      const path = own.find((entry) => entry.controllers.join() === name)?.path;
      return path === undefined ? [] : controllers.map((each): [string, string] => [each, `${mountPoint}${path}`]);
    });
    return { mode: mounted.mode, directories: new Map(directories) };
  }

  /** Runs a command that makes a process with the given streams, and passes its terminal on. */
  async #runWithStdio(words: readonly string[], { fds, console }: GivenStdio): Promise<void> {
    if (console === undefined) {
      await this.#run(words, { stdio: fds });
      return;
    }
    const { kernel, readiness } = this.#parts.machine;
    sockets += 1;
    // Short, as the runtime that connects may know no other way than its name.
    const path = `${SOCKET_DIRECTORY}/terminal-${process.pid}-${sockets}`;
    removeFile(kernel, path);
    const listener = listenStream(kernel, path);
    if (typeof listener === "number") throw new ContainerError("internal", `cannot listen on ${path}`);
    using _listener = listener;
    try {
      await this.#run([...words, "--console-socket", path], { stdio: fds });
      await readiness.readable(listener);
      using connection = acceptStream(kernel, listener);
      using master = receiveFd(kernel, connection, addressOf);
      if (master === undefined) throw new ContainerError("internal", "cannot get the terminal of the process");
      sendWithFd(kernel, console, { payload: Uint8Array.of(0), fd: master, doing: "pass the terminal on" }, addressOf);
    } finally {
      removeFile(kernel, path);
    }
  }

  /** Runs one command. @throws {ContainerError} with the last error of its log */
  async #run(
    words: readonly string[],
    run: RunOptions & { readonly after?: readonly string[] } = {},
  ): Promise<Outcome> {
    const { options, root, id, bundle, machine } = this.#parts;
    const systemd = options.systemdCgroup ? ["--systemd-cgroup"] : [];
    // The bundle may be gone when the container is deleted.
    const log = exists(machine.kernel, bundle) ? ["--log", this.#log, "--log-format", "json"] : [];
    const global = ["--root", root, ...log, ...systemd];
    removeFile(machine.kernel, this.#log);
    const command = [options.binaryName, ...global, ...words, id, ...(run.after ?? [])];
    const outcome = await runProgram(command, machine.environment["PATH"], run);
    if (outcome.status === 0) return outcome;
    const why = lastError(findText(machine.kernel, this.#log) ?? "") ?? outcome.stderr.trim();
    throw failure(words[0] ?? "", outcome.status, why);
  }
}

/** Texts of runc and crun that say that there is nobody to signal. */
const GONE = /container not running|no such process|process already finished|does not exist/;

function failure(command: string, status: number, why: string): ContainerError {
  const message = why === "" ? `${command} ended with exit status ${status}` : why;
  return new ContainerError(GONE.test(why) ? "not_found" : "internal", message);
}

function hasOwnPidNamespace(text: string): boolean {
  // The runtime has taken it for a config.
  const { linux } = JSON.parse(text) as { linux?: { namespaces?: readonly { type: string; path?: string }[] } };
  return linux?.namespaces?.some(({ type, path }) => type === "pid" && (path ?? "") === "") ?? false;
}
