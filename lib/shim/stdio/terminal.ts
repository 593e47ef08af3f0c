import { ContainerError } from "../../errors.ts";
import { TTY } from "../../linux/constants/terminals.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import { addressOf } from "../../linux/ffi.ts";
import { isFifo, openFifoReader, openFifoWriter, setNonBlocking } from "../../linux/fifo.ts";
import { receiveFd, socketPair } from "../../linux/socket.ts";
import type { Machine } from "../machine.ts";
import { Copier } from "./copier.ts";
import { openNull } from "./output.ts";
import type { ProcessStdio, StdioOwner } from "./process-stdio.ts";
import { openScreen, type Screen } from "./screen.ts";
import { parseTarget, type StdioPaths } from "./target.ts";

/** The standard streams of a process with a terminal: its master is joined to the client's FIFOs, or to a log. */
export async function openTerminal(machine: Machine, paths: StdioPaths, owner: StdioOwner): Promise<ProcessStdio> {
  const screen = await openScreen(machine, parseTarget(paths.stdout), owner);
  try {
    return new TerminalStdio(machine, paths, screen);
  } catch (error) {
    await screen.close();
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
  readonly #screen: Screen;
  readonly #keys: OwnedFd | undefined;
  readonly #keysKeeper: OwnedFd | undefined;
  #master: OwnedFd | undefined;
  #keyboard: Copier | undefined;
  #size: Uint8Array | undefined;

  constructor(machine: Machine, paths: StdioPaths, screen: Screen) {
    const { kernel } = machine;
    this.#machine = machine;
    this.#screen = screen;
    using open = new DisposableStack();
    this.#null = open.use(openNull(kernel));
    const [near, far] = socketPair(kernel);
    this.#near = open.use(near);
    this.console = open.use(far);
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
    this.#screen.start(master);
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

  settle(): void {
    this.#screen.settle?.();
  }

  async close(): Promise<void> {
    await this.#screen.stop();
    this.#keyboard?.stop();
    this.#open.dispose();
    await this.#screen.close();
  }
}
