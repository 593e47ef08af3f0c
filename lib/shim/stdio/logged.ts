import { ContainerError } from "../../errors.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import { makePipe, setNonBlocking } from "../../linux/fifo.ts";
import type { Machine } from "../machine.ts";
import { DirectInput } from "./input.ts";
import type { StreamName } from "./json-lines.ts";
import { LogFile, type LogPlace } from "./log-file.ts";
import { LogPump } from "./log-pump.ts";
import { openNull } from "./output.ts";
import { holdBothEnds, pipeName } from "./pipes.ts";
import type { ProcessStdio, StdioOwner } from "./process-stdio.ts";
import type { Screen } from "./screen.ts";
import { parseTarget, type StdioPaths } from "./target.ts";

/** Standard streams of a process whose outputs go to a log: pipes that the shim reads, whether or not it can write. */
export function openLogged(machine: Machine, paths: StdioPaths, owner: StdioOwner): ProcessStdio {
  const { kernel } = machine;
  const place = placeOf(paths);
  using open = new DisposableStack();
  const input = open.use(new DirectInput(kernel, paths.stdin));
  const readers: OwnedFd[] = [];
  const writers: OwnedFd[] = [];
  const openOutput = (): OwnedFd => {
    const { reader, writer } = makePipe(kernel);
    readers.push(open.use(reader));
    setNonBlocking(kernel, reader);
    // Nobody of the container outlives init. What an exec leaves behind must not wait for a reader that has gone.
    const end = open.use(owner.isInit ? holdBothEnds(kernel, writer) : writer);
    writers.push(end);
    return end;
  };
  const stdout = openOutput();
  const stderr = paths.stderr === "" ? open.use(openNull(kernel)) : openOutput();
  const log = new PipeLog(machine, place, { readers, warn: owner.warn });
  const kept = open.move();
  return {
    fds: [input.reader.number, stdout.number, stderr.number],
    pipes: readers.map((reader) => pipeName(kernel, reader)),
    prepare: () => input.prepare(),
    attach: () => {
      input.attach();
      for (const writer of writers) writer.close();
      log.start();
    },
    closeInput: () => input.closeWriter(),
    resize: () => undefined,
    settle: () => log.drain(),
    close: () => {
      log.stop();
      kept.dispose();
      return Promise.resolve();
    },
  };
}

/** Goes on with the log of a process whose shim has ended, from the ends of its pipes that were found. */
export function adoptLogged(
  machine: Machine,
  paths: StdioPaths,
  { owner, readers }: { readonly owner: StdioOwner; readonly readers: readonly (OwnedFd | undefined)[] },
): Pick<ProcessStdio, "settle" | "close"> {
  const log = new PipeLog(machine, placeOf(paths), { readers, warn: owner.warn });
  log.start();
  return {
    settle: () => log.drain(),
    close: () => {
      log.stop();
      return Promise.resolve();
    },
  };
}

const STREAMS: readonly StreamName[] = ["stdout", "stderr"];

/** Brings what comes out of pipes into one log: standard output from the first, standard error from the second. */
class PipeLog {
  readonly #file: LogFile;
  readonly #pumps: readonly LogPump[];
  readonly #warn: StdioOwner["warn"];

  constructor(
    machine: Machine,
    place: LogPlace,
    { readers, warn }: { readonly readers: readonly (OwnedFd | undefined)[]; readonly warn: StdioOwner["warn"] },
  ) {
    this.#warn = warn;
    this.#file = new LogFile(machine.kernel, place, warn);
    this.#pumps = STREAMS.flatMap((name, index) => {
      const reader = readers[index];
      return reader === undefined ? [] : [new LogPump(machine, reader, this.#file, { name, isLive: false })];
    });
  }

  start(): void {
    for (const pump of this.#pumps) runPump(pump, this.#warn);
  }

  drain(): void {
    for (const pump of this.#pumps) pump.drain();
  }

  stop(): void {
    for (const pump of this.#pumps) {
      pump.drain();
      pump.stop();
    }
    this.#file.close();
  }
}

/** What a terminal shows goes to a log, as standard output. */
export function openLogScreen(machine: Machine, place: LogPlace, { warn }: StdioOwner): Screen {
  const file = new LogFile(machine.kernel, place, warn);
  let pump: LogPump | undefined;
  return {
    start: (master) => {
      pump = new LogPump(machine, master, file, { name: "stdout", isLive: true });
      runPump(pump, warn);
    },
    settle: () => pump?.drain(),
    stop: () => {
      pump?.drain();
      pump?.stop();
      return Promise.resolve();
    },
    close: () => {
      file.close();
      return Promise.resolve();
    },
  };
}

/** In the background. */
function runPump(pump: LogPump, warn: (message: string) => void): void {
  pump.run().catch((error: unknown) => warn(`the log ends here: ${error instanceof Error ? error.message : error}`));
}

/** @throws {ContainerError} invalid_argument when the outputs are not of one log */
function placeOf({ stdout, stderr }: StdioPaths): LogPlace {
  const target = parseTarget(stdout);
  if (target.kind === "json-file" && (stderr === "" || stderr === stdout)) return target.place;
  throw new ContainerError(
    "invalid_argument",
    `cannot use ${JSON.stringify(stdout)} and ${JSON.stringify(stderr)} for the outputs: a log takes both, or standard output alone`,
  );
}
