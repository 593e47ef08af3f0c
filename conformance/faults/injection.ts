import { closeSync, constants, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../harness/poll.ts";
import type { Outcome } from "../harness/process.ts";
import type { FaultSite } from "./fault-site.ts";

/** The N-th call of one name, of each process that gets that far. */
export interface Place {
  readonly call: string;
  readonly nth: number;
}

/** What happens there. */
export type Fault = "ENOSPC" | "EMFILE" | "ENOMEM" | "EINTR" | "SIGKILL";

/** Called by the engine for itself, in every process of its own; none of them says anything of what is done here. */
const OF_ENGINE = new Set(
  (
    "mmap munmap mprotect madvise futex brk rt_sigaction rt_sigprocmask rt_sigreturn restart_syscall sched_yield exit " +
    "exit_group gettid clock_gettime clock_nanosleep nanosleep epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait " +
    "eventfd2 timerfd_create timerfd_settime set_robust_list rseq arch_prctl sigaltstack getrandom tgkill membarrier clone " +
    "clone3 vfork sched_getaffinity mremap set_tid_address sched_setscheduler"
  ).split(" "),
);

const CALL = /^(\d+) +([a-z0-9_]+)\(/;
/** eventfd(2): a thread of the engine wakes another one; it has no answer to a failure, and the kernel no failure. */
const WAKING = /^\d+ +write\(\d+, "\\1\\0\\0\\0\\0\\0\\0\\0", 8/;
/** Another run may have more of them. */
const MORE_WAKINGS = 2;
/** How long a start may take on a busy machine. */
const START_MS = 60_000;

/** The places of a trace by strace -f -o: from one process each call as often as the one that makes it most often. */
export function placesOf(trace: string): readonly Place[] {
  const counts = new Map<string, Map<string, number>>();
  let wakings = 0;
  for (const line of trace.split("\n")) {
    const [, pid = "", call = ""] = CALL.exec(line) ?? [];
    if (call === "" || OF_ENGINE.has(call)) continue;
    const own = counts.get(pid) ?? new Map<string, number>();
    const nth = (own.get(call) ?? 0) + 1;
    own.set(call, nth);
    counts.set(pid, own);
    if (WAKING.test(line)) wakings = Math.max(wakings, nth + MORE_WAKINGS);
  }
  const most = new Map<string, number>();
  for (const own of counts.values())
    for (const [call, count] of own) most.set(call, Math.max(most.get(call) ?? 0, count));
  return [...most]
    .flatMap(([call, count]) => Array.from({ length: count }, (_, index) => ({ call, nth: index + 1 })))
    .filter(({ call, nth }) => call !== "write" || nth > wakings);
}

function inject(fault: Fault, { call, nth }: Place): string {
  const what = fault === "SIGKILL" ? "signal=SIGKILL" : `error=${fault}`;
  return `--inject=${call}:${what}:when=${nth}`;
}

/**
 * Runs a command that reads a file which is a FIFO: strace attaches while it waits for its writer, so that no call of the
 * engine's start is counted, or hit.
 */
export async function runAttached(
  site: FaultSite,
  { words, fifo, text }: { readonly words: readonly string[]; readonly fifo: string; readonly text: string },
  tracing: readonly string[],
): Promise<Outcome> {
  rmSync(fifo, { force: true });
  Bun.spawnSync({ cmd: ["mkfifo", fifo] });
  const program = site.begin(site.command(...words));
  let writer = -1;
  const hasReader = () => {
    writer = tryOpen(fifo);
    return writer >= 0;
  };
  await waitUntil("reader of the FIFO", hasReader, START_MS);
  const tracer = site.begin(["strace", "-f", "-p", String(program.pid), ...tracing]);
  await waitUntil("attached strace", () => tracer.errors().includes("attached"), START_MS);
  feed(writer, text);
  const outcome = await program.outcome;
  // What the program has left running is still traced; without its tracer it goes on.
  tracer.signal("SIGTERM");
  await tracer.outcome;
  return outcome;
}

/** Writes to a reader that the first fault may have ended. */
function feed(writer: number, text: string): void {
  try {
    writeSync(writer, text);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "EPIPE") throw error;
  } finally {
    closeSync(writer);
  }
}

function tryOpen(fifo: string): number {
  try {
    return openSync(fifo, constants.O_WRONLY + constants.O_NONBLOCK);
  } catch {
    return -1; // ENXIO: nobody reads yet
  }
}

/** How a command is run that a fault is to hit. */
export type Runner = (tracing: readonly string[]) => Promise<Outcome>;

/** The places at which the command can be hit. @throws {Error} when it does not succeed without a fault */
export async function listPlaces(site: FaultSite, runner: Runner): Promise<readonly Place[]> {
  const trace = join(site.folder, "trace");
  const { status, stderr } = await runner(["-o", trace]);
  if (status !== 0) throw new Error(`does not succeed under strace: ${stderr}`);
  return placesOf(readFileSync(trace, "utf8"));
}

/** The tracing that makes the fault happen. */
export function tracingOf(fault: Fault, place: Place): readonly string[] {
  return ["-o", "/dev/null", `--trace=${place.call}`, inject(fault, place)];
}
