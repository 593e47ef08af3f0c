import { ContainerError } from "../../errors.ts";
import { TTY } from "../../linux/constants/terminals.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import { addressOf } from "../../linux/ffi.ts";
import { isFifo, openFifoReader, openFifoWriter, setNonBlocking } from "../../linux/fifo.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { receiveFd, socketPair } from "../../linux/socket.ts";
import type { Machine } from "../machine.ts";
import { Copier } from "./copier.ts";
import { type LoggedProcess, type Logger, startLogger } from "./logger.ts";
import { openNull, openSink, type Sink } from "./output.ts";
import { drain, type ProcessStdio } from "./process-stdio.ts";
import { type OutputTarget, parseTarget, type StdioPaths } from "./target.ts";

/** The standard streams of a process with a terminal: its master is joined to the client's FIFOs. */
export async function openTerminal(machine: Machine, paths: StdioPaths, owner: LoggedProcess): Promise<ProcessStdio> {
  const target = parseTarget(paths.stdout);
  const logger = target.kind === "binary" ? await startLogger(machine, target, owner) : undefined;
  try {
    return new TerminalStdio(machine, paths, target, logger);
  } catch (error) {
    logger?.stdout.close();
    logger?.stderr.close();
    await logger?.stop();
    throw error;
  }
}

class TerminalStdio implements ProcessStdio {
  readonly fds: ProcessStdio["fds"];
  readonly console: OwnedFd;
  readonly #machine: Machine;
  readonly #open = new DisposableStack();
  readonly #near: OwnedFd;
  readonly #null: OwnedFd;
  readonly #sink: Sink;
  readonly #keys: OwnedFd | undefined;
  readonly #keysKeeper: OwnedFd | undefined;
  readonly #logger: Logger | undefined;
  #master: OwnedFd | undefined;
  #screen: Copier | undefined;
  #keyboard: Copier | undefined;
  #size: Uint8Array | undefined;

  constructor(machine: Machine, paths: StdioPaths, target: OutputTarget, logger: Logger | undefined) {
    const { kernel } = machine;
    this.#machine = machine;
    this.#logger = logger;
    using open = new DisposableStack();
    this.#null = open.use(openNull(kernel));
    const [near, far] = socketPair(kernel);
    this.#near = open.use(near);
    this.console = open.use(far);
    this.#sink = openTarget(kernel, target, logger);
    open.use(this.#sink.writer);
    if (this.#sink.keeper !== undefined) open.use(this.#sink.keeper);
    if (paths.stdin !== "" && isFifo(kernel, paths.stdin)) {
      this.#keys = open.use(openFifoReader(kernel, paths.stdin));
      // A terminal outlives the client that types: another one may come.
      this.#keysKeeper = open.use(openFifoWriter(kernel, paths.stdin));
    }
    this.fds = [this.#null.number, this.#null.number, this.#null.number];
    this.#open = open.move();
  }

  prepare(): void {
    // The terminal itself is never at its end.
  }

  attach(): void {
    const { kernel } = this.#machine;
    this.console.close();
    this.#null.close();
    const master = receiveFd(kernel, this.#near, addressOf);
    if (master === undefined) throw new ContainerError("internal", "cannot get the terminal of the process");
    this.#master = this.#open.use(master);
    setNonBlocking(kernel, master);
    if (this.#size !== undefined) kernel.call("ioctl", master.number, TTY.TIOCSWINSZ, this.#size);
    this.#screen = new Copier(this.#machine, master, this.#sink.writer);
    if (this.#keys !== undefined) this.#keyboard = new Copier(this.#machine, this.#keys, master);
  }

  closeInput(): void {
    this.#keysKeeper?.close();
  }

  resize(width: number, height: number): void {
    // struct winsize: u16 rows, columns, and two the kernel does not use.
    this.#size = new Uint8Array(Uint16Array.of(height, width, 0, 0).buffer);
    const { kernel } = this.#machine;
    if (this.#master !== undefined) kernel.call("ioctl", this.#master.number, TTY.TIOCSWINSZ, this.#size);
  }

  async close(): Promise<void> {
    await drain(() => this.#screen?.isIdle ?? true);
    this.#screen?.stop();
    this.#keyboard?.stop();
    this.#open.dispose();
    this.#logger?.stderr.close();
    await this.#logger?.stop();
  }
}

function openTarget(kernel: Kernel, target: OutputTarget, logger: Logger | undefined): Sink {
  if (logger !== undefined) {
    setNonBlocking(kernel, logger.stdout);
    return { writer: logger.stdout };
  }
  if (target.kind === "path" || target.kind === "file") return openSink(kernel, target.path, target.kind === "file");
  return { writer: openNull(kernel) };
}
