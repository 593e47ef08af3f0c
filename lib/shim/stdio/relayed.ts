import type { OwnedFd } from "../../linux/fd.ts";
import { isFifo, makePipe, setNonBlocking } from "../../linux/fifo.ts";
import type { Machine } from "../machine.ts";
import { type Copier, copyToSink } from "./copier.ts";
import { DirectInput } from "./input.ts";
import { openSink, type Sink } from "./output.ts";
import { pipeName } from "./pipes.ts";
import { drain, type ProcessStdio } from "./process-stdio.ts";
import { type OutputTarget, parseTarget, type StdioPaths } from "./target.ts";
import { untilRead } from "./unread.ts";

/** An output through a pipe and a copier. */
interface Relay {
  readonly reader: OwnedFd;
  readonly writer: OwnedFd;
  readonly sink: Sink;
  copier?: Copier;
}

/**
 * Standard streams of a process that may leave others behind, as an exec does: what stays must not keep the client's
 * FIFOs open. The process writes to pipes, and the FIFOs are ours to close.
 */
export function openRelayed(machine: Machine, paths: StdioPaths): ProcessStdio {
  const { kernel } = machine;
  using open = new DisposableStack();
  const input = open.use(new DirectInput(kernel, paths.stdin));
  const relays = [paths.stdout, paths.stderr].map((path) => openRelay(machine, parseTarget(path), open));
  const [stdout, stderr] = relays;
  const kept = open.move();
  return {
    fds: [input.reader.number, stdout?.writer.number ?? -1, stderr?.writer.number ?? -1],
    pipes: relays.map(({ reader }) => pipeName(kernel, reader)),
    prepare: () => input.prepare(),
    attach: () => {
      input.attach();
      for (const relay of relays) {
        relay.writer.close();
        setNonBlocking(kernel, relay.reader);
        relay.copier = copyToSink(machine, relay.reader, relay.sink);
      }
    },
    closeInput: () => input.closeWriter(),
    resize: () => undefined,
    settle: () => {
      for (const { copier } of relays) copier?.settle();
    },
    close: async () => {
      await drain(relays.flatMap(({ copier }) => (copier === undefined ? [] : [copier])));
      for (const { copier } of relays) copier?.stop();
      await untilRead(
        kernel,
        relays.map(({ sink }) => sink.keeper),
      );
      kept.dispose();
    },
  };
}

/** Goes on with the outputs of a process whose shim has ended, from the ends of its pipes that were found. */
export function adoptRelayed(
  machine: Machine,
  paths: StdioPaths,
  readers: readonly (OwnedFd | undefined)[],
): Pick<ProcessStdio, "settle" | "close"> {
  using open = new DisposableStack();
  const copiers = [paths.stdout, paths.stderr].flatMap((path, index) => {
    const [target, reader] = [parseTarget(path), readers[index]];
    // What is no FIFO any more was removed by its client.
    const isThere = target.kind === "path" && isFifo(machine.kernel, target.path);
    if (reader === undefined || !isThere) return [];
    const sink = openSink(machine.kernel, target.path, false);
    open.use(sink.writer);
    if (sink.keeper !== undefined) open.use(sink.keeper);
    return [copyToSink(machine, reader, sink)];
  });
  const kept = open.move();
  return {
    settle: () => {
      for (const copier of copiers) copier.settle();
    },
    close: async () => {
      await drain(copiers);
      for (const copier of copiers) copier.stop();
      kept.dispose();
    },
  };
}

/** Whether there are outputs by their paths, FIFOs perhaps, and none that is a file's or a logger's by its URI. */
export function canRelay(paths: StdioPaths): boolean {
  const kinds = [paths.stdout, paths.stderr].map((path) => parseTarget(path).kind);
  return kinds.includes("path") && kinds.every((kind) => kind === "path" || kind === "null");
}

function openRelay({ kernel }: Machine, target: OutputTarget, open: DisposableStack): Relay {
  const path = target.kind === "path" ? target.path : "/dev/null";
  const sink = openSink(kernel, path, target.kind !== "path");
  open.use(sink.writer);
  if (sink.keeper !== undefined) open.use(sink.keeper);
  const { reader, writer } = makePipe(kernel);
  return { sink, reader: open.use(reader), writer: open.use(writer) };
}
