import { SyscallError } from "../errors.ts";
import { propertyPath } from "../json-pointer.ts";
import { errnoNumber, errnoSymbol, errnoText } from "../linux/constants/errno.ts";
import { SIGNALS } from "../linux/constants/processes.ts";
import { decodeStatus } from "../linux/executor.ts";
import type { PlanProcess } from "../plan/compile.ts";
import type { Step } from "../plan/step.ts";

/** What the executor said about the step it could not do. */
export interface Refusal {
  readonly errno: number;
  /**
   * What the refused call left: lines of a filesystem context (fsopen(2)), each with `e `, `w ` or `i ` before it; or
   * the u32 status of a hook (wait(2)) and the beginning of what it printed.
   */
  readonly log: Uint8Array;
  readonly process: PlanProcess;
}

/** A refused step in the user's words: `cannot mount tmpfs on /dev/shm (mounts[3]): invalid argument (EINVAL)`. */
export function stepError(step: Step, refusal: Refusal): SyscallError {
  const { doing, from, path } = step.purpose;
  const property = from === "" ? "" : ` (${propertyPath(from)})`;
  const what = step.call === "runHook" ? hookFailure(from, path) : `cannot ${doing}`;
  const message = messageOf(step, refusal, property) ?? `${what}${property}: ${reasonOf(step, refusal)}`;
  return new SyscallError(message, {
    call: step.call,
    errno: errnoSymbol(refusal.errno),
    path,
    pointer: from,
    process: refusal.process,
  });
}

/** runc's words for a hook that fails: those of 1.2 and later, then those of 1.1. `from` is its pointer in the config. */
export function hookFailure(from: string, path: string | undefined): string {
  const [, , kind = "", index] = from.split("/");
  const number = index === undefined ? "" : ` #${index}`;
  return `error running ${kind} hook${number}: error running hook${path === undefined ? "" : ` ${path}`}`;
}

/** The words in which engines recognise that a program cannot be run. */
function messageOf(step: Step, { errno }: Refusal, property: string): string | undefined {
  const name = step.purpose.path ?? "";
  if (step.call === "findExecutable") return `exec: ${JSON.stringify(name)}: ${whyNotFound(name, errno)}${property}`;
  if (step.call !== "execve") return undefined;
  const reason = errnoText(errno);
  // The file was found before: what is missing is what runs it.
  if (errno === errnoNumber("ENOENT"))
    return `exec ${name}: ${reason}: its interpreter is not in the rootfs${property}`;
  return `exec ${name}: ${reason}${property}`;
}

function whyNotFound(name: string, errno: number): string {
  // docker knows "is a directory" as the reason for status 126, podman "permission denied" alone.
  if (errno === errnoNumber("EISDIR")) return `${errnoText(errno)}: permission denied`;
  if (errno !== errnoNumber("ENOENT")) return errnoText(errno);
  return name.includes("/") ? `stat ${name}: ${errnoText(errno)}` : "executable file not found in $PATH";
}

/** Of a step with a refusal of its own, which says what these mean there. */
const VERDICTS = ["ENODEV", "ENOENT", "ELOOP"] as const;

function reasonOf(step: Step, { errno, log }: Refusal): string {
  if (step.call === "runHook" && log.length >= 4) return hookReason(step, errno, log);
  const isVerdict = VERDICTS.some((symbol) => errno === errnoNumber(symbol));
  if (step.refusal !== undefined && isVerdict) return step.refusal;
  const said = new TextDecoder()
    .decode(log)
    .split("\n")
    .map((line) => line.replace(/^[ewi] /, "").trim())
    .filter((line) => line !== "");
  const hint = Object.entries(step.hints ?? {}).find(([symbol]) => symbol === errnoSymbol(errno))?.[1];
  return [errnoText(errno), ...said, ...(hint === undefined ? [] : [hint])].join(": ");
}

/** strsignal(3), of what a filter does to a hook: the number alone says little. */
function signalText(signal: number): string {
  return signal === SIGNALS.SIGSYS ? " (bad system call)" : "";
}

const EXIT_NOT_EXECUTED = 127;

function hookReason(step: Step, errno: number, log: Uint8Array): string {
  const output = new TextDecoder().decode(log.subarray(4)).trim();
  const status = new DataView(log.buffer, log.byteOffset).getUint32(0, true);
  const said = output === "" ? "" : `: ${output}`;
  if (errno === errnoNumber("ETIMEDOUT")) return `it did not end in time${said}`;
  if (errno !== errnoNumber("EPROTO")) return errnoText(errno);
  const exit = decodeStatus(status);
  if (exit.signal !== undefined) return `killed by signal ${exit.signal}${signalText(exit.signal)}${said}`;
  if (exit.code === EXIT_NOT_EXECUTED && output === "")
    return `exit status 127: ${step.purpose.path} cannot be executed`;
  return `exit status ${exit.code}${said}`;
}
