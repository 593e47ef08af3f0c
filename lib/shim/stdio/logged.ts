import { ContainerError } from "../../errors.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import { makePipe, setNonBlocking } from "../../linux/fifo.ts";
import type { Machine } from "../machine.ts";
import { DirectInput } from "./input.ts";
import type { StreamName } from "./json-lines.ts";
import { LogFile, type LogPlace } from "./log-file.ts";
import { LogPump } from "./log-pump.ts";
import { openNull } from "./output.ts";
import type { ProcessStdio, StdioOwner } from "./process-stdio.ts";
import type { Screen } from "./screen.ts";
import { parseTarget, type StdioPaths } from "./target.ts";

/** Standard streams of a process whose outputs go to a log: pipes that the shim reads, whether or not it can write. */
export function openLogged(machine: Machine, paths: StdioPaths, { warn }: StdioOwner): ProcessStdio {
  const { kernel } = machine;
  const place = placeOf(paths);
  using open = new DisposableStack();
  const input = open.use(new DirectInput(kernel, paths.stdin));
  const file = new LogFile(kernel, place, warn);
  const pumps: LogPump[] = [];
  const writers: OwnedFd[] = [];
  const openPump = (stream: StreamName): OwnedFd => {
    const { reader, writer } = makePipe(kernel);
    writers.push(open.use(writer));
    setNonBlocking(kernel, open.use(reader));
    pumps.push(new LogPump(machine, reader, file, stream));
    return writer;
  };
  const stdout = openPump("stdout");
  const stderr = paths.stderr === "" ? open.use(openNull(kernel)) : openPump("stderr");
  const kept = open.move();
  return {
    fds: [input.reader.number, stdout.number, stderr.number],
    prepare: () => input.prepare(),
    attach: () => {
      input.attach();
      for (const writer of writers) writer.close();
      for (const pump of pumps) runPump(pump, warn);
    },
    closeInput: () => input.closeWriter(),
    resize: () => undefined,
    settle: () => {
      for (const pump of pumps) pump.drain();
    },
    close: () => {
      for (const pump of pumps) {
        pump.drain();
        pump.stop();
      }
      file.close();
      kept.dispose();
      return Promise.resolve();
    },
  };
}

/** What a terminal shows goes to a log, as standard output. */
export function openLogScreen(machine: Machine, place: LogPlace, { warn }: StdioOwner): Screen {
  const file = new LogFile(machine.kernel, place, warn);
  let pump: LogPump | undefined;
  return {
    start: (master) => {
      pump = new LogPump(machine, master, file, "stdout");
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
