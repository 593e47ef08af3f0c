import { ContainerError } from "../../errors.ts";
import { errnoSymbol } from "../../linux/constants/errno.ts";
import { MSG } from "../../linux/constants/sockets.ts";
import { launchExecutor, parseReport, type Report } from "../../linux/executor.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import { addressOf } from "../../linux/ffi.ts";
import { findProgram } from "../../linux/search-path.ts";
import { receiveWithFd, socketPair } from "../../linux/socket.ts";
import { type CriuProgram, compileCriu, inheritedRegister } from "../../plan/criu.ts";
import { encode, presetRegister } from "../../plan/encode.ts";
import { MESSAGE_READY } from "../../plan/messages.ts";
import { CONTROL, type Step } from "../../plan/step.ts";
import { ignoredSignals } from "../host.ts";
import type { RuntimeOptions, Stdio } from "../options.ts";
import { stepError } from "../step-error.ts";
import { awaitChild, awaitReadable } from "../waits.ts";
import {
  type CriuFeatures,
  type CriuRequest,
  type CriuResponse,
  REQUEST,
  REQUEST_SCHEMA,
  RESPONSE_SCHEMA,
  type RequestName,
} from "./messages.ts";
import { decodeMessage, encodeMessage } from "./protobuf.ts";

/** The environment that criu and the programs it calls are given. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Older ones do not tell when they are ready to serve pages, nor take external pid namespaces: 3.15. */
const MIN_VERSION = 31500;
/** A response is a few hundred bytes. */
const RESPONSE_BYTES = 65_536;
/** The first byte of a response: the key of its first field. A report of the executor begins with another. */
const RESPONSE_KEY = 8;

/** What criu says in the midst of its work: the name of what it has reached. */
export interface Notification {
  readonly script: string;
  /** Of the first process of the container, on the host. */
  readonly pid: number;
  readonly fd: OwnedFd | undefined;
}

/** One piece of work for criu. */
export interface CriuJob {
  readonly type: RequestName;
  readonly steps: readonly Step[];
  readonly inherit: readonly OwnedFd[];
  /** The standard streams of criu, and of what it restores; those of this process when they are not given. */
  readonly stdio?: Stdio | undefined;
  /** Called when the program that becomes criu runs, with its pid and the socket on which it may wait. */
  readonly onStart?: (pid: number, control: OwnedFd) => Promise<void>;
  /**
   * Called when criu's process is where it will work, with its pid and the directories that the program has sent, which
   * are closed afterwards.
   */
  readonly request: (pid: number, directories: readonly OwnedFd[]) => CriuRequest;
  readonly onNotification: (notification: Notification) => Promise<void>;
}

/** criu of this host. @throws {ContainerError} not_found; failed_precondition when it is too old */
export async function findCriu(options: RuntimeOptions, environment: Environment): Promise<CriuProgram> {
  const path = findProgram(options.kernel, "criu", environment["PATH"]);
  if (path === undefined) {
    throw new ContainerError("not_found", 'exec: "criu": executable file not found in $PATH: install criu(8)');
  }
  const env = Object.entries(environment).map(([name, value = ""]) => `${name}=${value}`);
  const criu: CriuProgram = { path, env, inherited: 0, ignoredSignals: ignoredSignals(options.kernel) };
  const { version } = await ask(options, criu, "VERSION", {});
  const { major = 0, minor = 0, sublevel = 0 } = version ?? {};
  const number = major * 10_000 + minor * 100 + sublevel;
  if (number < MIN_VERSION) {
    throw new ContainerError("failed_precondition", `CRIU version ${number} must be ${MIN_VERSION} or higher`);
  }
  options.debug(`Using CRIU ${number} at: ${path}`);
  return criu;
}

/** @throws {ContainerError} failed_precondition when criu or the kernel lacks one of the features */
export async function requireFeatures(
  options: RuntimeOptions,
  criu: CriuProgram,
  features: CriuFeatures,
): Promise<void> {
  const response = await ask(options, criu, "FEATURE_CHECK", { features });
  const has: Readonly<Record<string, boolean | undefined>> = response.features ?? {};
  const missing = Object.keys(features).filter((name) => has[name] !== true);
  if (missing.length === 0) return;
  throw new ContainerError("failed_precondition", `CRIU is missing features: ${missing.join(", ")}`);
}

async function ask(
  options: RuntimeOptions,
  criu: CriuProgram,
  type: RequestName,
  request: CriuRequest,
): Promise<CriuResponse> {
  return await runCriu(options, {
    type,
    steps: compileCriu(criu),
    inherit: [],
    request: () => request,
    onNotification: () => Promise.resolve(),
  });
}

/** criu refused; what it wrote into its log says why. */
export class CriuError extends ContainerError {
  override readonly name = "CriuError";

  constructor(message: string) {
    super("internal", message);
  }
}

/**
 * Starts criu, gives it one job and answers its notifications until it is done.
 * @throws {CriuError} when criu says no; SyscallError when it cannot be started
 */
export async function runCriu(options: RuntimeOptions, job: CriuJob): Promise<CriuResponse> {
  const { kernel } = options;
  const part = encode(job.steps, kernel.architecture);
  const [control, remote] = socketPair(kernel);
  using _control = control;
  using _remote = remote;
  const names = [CONTROL, ...job.inherit.map((_, index) => inheritedRegister(index))];
  const executor = launchExecutor(kernel, {
    inherit: [remote, ...job.inherit],
    preserveFds: 0,
    stdio: job.stdio,
    image: (numbers) => {
      names.forEach((name, index) => {
        presetRegister(part, name, numbers[index] ?? -1);
      });
      return part.image;
    },
  });
  using _program = executor.program;
  remote.close();
  try {
    using open = new DisposableStack();
    await job.onStart?.(executor.pid, control);
    const directories = await awaitReady(options, job, control, open);
    send(options, control, { ...job.request(executor.pid, directories), type: REQUEST[job.type] });
    return await converse(options, job, control);
  } finally {
    // At the end of its socket criu ends, and undoes what it has not completed.
    control.close();
    await awaitChild(options, executor.pid);
  }
}

/** Reads what the program says and sends before it becomes criu. @throws {SyscallError} for a refused step */
async function awaitReady(
  options: RuntimeOptions,
  job: CriuJob,
  control: OwnedFd,
  open: DisposableStack,
): Promise<readonly OwnedFd[]> {
  const directories: OwnedFd[] = [];
  for (;;) {
    await awaitReadable(options, control);
    const { bytes, fd } = receiveWithFd(options.kernel, control, new Uint8Array(RESPONSE_BYTES), addressOf);
    if (fd !== undefined) directories.push(open.use(fd));
    if (bytes.length === 0) throw new CriuError("criu ended before it was started");
    const report = parseReport(bytes);
    if (report.kind === "failure") throw refusalOf(job, report);
    if (report.message === MESSAGE_READY) return directories;
  }
}

function refusalOf({ steps }: CriuJob, report: Extract<Report, { kind: "failure" }>): Error {
  const step = steps[report.step];
  if (step === undefined) return new TypeError(`internal error: report of step ${report.step}`);
  return stepError(step, { ...report, process: "setup" });
}

async function converse(options: RuntimeOptions, job: CriuJob, control: OwnedFd): Promise<CriuResponse> {
  for (;;) {
    await awaitReadable(options, control);
    const { bytes, fd } = receiveWithFd(options.kernel, control, new Uint8Array(RESPONSE_BYTES), addressOf);
    using _fd = fd;
    if (bytes.length === 0) throw new CriuError(`criu failed: type ${job.type}: it ended without an answer`);
    if (bytes[0] !== RESPONSE_KEY) {
      const report = parseReport(bytes);
      if (report.kind === "failure") throw refusalOf(job, report);
    }
    const response = decodeMessage(RESPONSE_SCHEMA, bytes);
    if (response.success !== true) throw refusedBy(response, job);
    if (response.type !== REQUEST.NOTIFY) return response;
    const { script = "", pid = 0 } = response.notify ?? {};
    options.debug(`notify: ${script}`);
    await job.onNotification({ script, pid, fd });
    send(options, control, { type: REQUEST.NOTIFY, notifySuccess: true });
  }
}

function refusedBy({ errno = 0, errorMessage = "" }: CriuResponse, { type }: CriuJob): CriuError {
  const said = errorMessage === "" ? "" : `: ${errorMessage}`;
  const name = errno === 0 ? "" : ` (${errnoSymbol(errno)})`;
  return new CriuError(`criu failed: type ${type} errno ${errno}${name}${said}`);
}

function send({ kernel }: RuntimeOptions, control: OwnedFd, request: CriuRequest): void {
  const bytes = encodeMessage(REQUEST_SCHEMA, request);
  // criu that has ended is noticed by the answer that does not come.
  kernel.call("sendto", control.number, bytes, bytes.length, MSG.MSG_NOSIGNAL, 0, 0);
}
