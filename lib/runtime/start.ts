import { ContainerError } from "../errors.ts";
import { errnoNumber, errnoText } from "../linux/constants/errno.ts";
import { parseReport, REPORT_BYTES } from "../linux/executor.ts";
import { OwnedFd } from "../linux/fd.ts";
import { removeFile } from "../linux/files.ts";
import { connectIn, receive } from "../linux/socket.ts";
import { executePurpose } from "../plan/executable.ts";
import type { Step } from "../plan/step.ts";
import { hookState, statusOf } from "./container-status.ts";
import {
  type ContainerRecord,
  containerDirectory,
  lockContainer,
  readRecord,
  START_SOCKET,
} from "./container-store.ts";
import { killProcesses } from "./destroy.ts";
import { runHooks } from "./hooks.ts";
import { openProxy } from "./open-proxy.ts";
import type { CreateRequest, RuntimeOptions } from "./options.ts";
import { stepError } from "./step-error.ts";
import { awaitReadable } from "./waits.ts";

/** runtime.md § Start. @throws {ContainerError} failed_precondition unless the container is created */
export async function start(
  options: RuntimeOptions,
  id: string,
  { notifySocket }: Pick<CreateRequest, "notifySocket"> = {},
): Promise<void> {
  using directory = await lockContainer(options, id);
  const record = readRecord(options, id);
  if (notifySocket === undefined) return await startLocked(options, record, directory);
  refuseUnlessCreated(options, record);
  using proxy = await openProxy(options, id, notifySocket);
  await startLocked(options, record, directory);
  // The program may take its time to be ready; meanwhile others may work on the container.
  directory.close();
  if (record.init !== undefined) proxy?.wait(record.init.pid);
}

/**
 * `start` for a caller that holds the container's lock. Returns when the program runs and the poststart hooks have run;
 * one that fails is the end of the container.
 */
export async function startLocked(options: RuntimeOptions, record: ContainerRecord, directory: OwnedFd): Promise<void> {
  await startProgram(options, record, directory);
  const { init, hooks } = record;
  if (hooks === undefined || init === undefined) return;
  try {
    await runHooks("poststart", hooks.poststart, hookState(record, init.pid, "running"));
  } catch (error) {
    await killProcesses(options, record);
    throw error;
  }
}

async function startProgram(options: RuntimeOptions, record: ContainerRecord, directory: OwnedFd): Promise<void> {
  if (record.program === "") {
    throw new ContainerError("failed_precondition", "cannot start the container: its config has no process");
  }
  refuseUnlessCreated(options, record);
  using connection = connect(options, directory);
  await awaitReadable(options, connection);
  const bytes = receive(options.kernel, connection, new Uint8Array(REPORT_BYTES));
  removeFile(options.kernel, `${containerDirectory(options, record.id)}/${START_SOCKET}`);
  // execve(2) closes the connection: its end is the news that the program runs.
  options.mark?.("execute");
  if (bytes.length === 0) return;
  const report = parseReport(bytes);
  if (report.kind !== "failure") throw new TypeError(`internal error: message ${report.message} after start`);
  throw stepError(refusedStep(record, report.errno), { ...report, process: "init" });
}

/** After the wait for start there are hooks, whose failures no system call has, and the program. */
function refusedStep({ program }: ContainerRecord, errno: number): Step {
  const isHook = errno === errnoNumber("EPROTO") || errno === errnoNumber("ETIMEDOUT");
  if (!isHook) return { call: "execve", args: [], purpose: executePurpose(program) };
  const purpose = { doing: "run a hook of the container", from: "/hooks/startContainer" };
  return { call: "runHook", args: [], purpose };
}

/** Engines look for these words. */
function refuseUnlessCreated(options: RuntimeOptions, record: ContainerRecord): void {
  const status = statusOf(options, record);
  if (status === "created") return;
  const why = {
    creating: "cannot start a container that is still being created",
    paused: "cannot start a paused container",
    running: "cannot start an already running container",
    stopped: "cannot start a container that has stopped",
  }[status];
  throw new ContainerError("failed_precondition", `${why}: ${record.id}`);
}

function connect(options: RuntimeOptions, directory: OwnedFd): OwnedFd {
  const connection = connectIn(options.kernel, directory, START_SOCKET);
  if (connection instanceof OwnedFd) return connection;
  const isGone = connection === -errnoNumber("ECONNREFUSED") || connection === -errnoNumber("ENOENT");
  const why = isGone ? "its init has ended" : errnoText(-connection);
  throw new ContainerError("failed_precondition", `cannot start the container: ${why}`);
}
