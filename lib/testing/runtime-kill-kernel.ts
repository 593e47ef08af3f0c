import { MSG } from "../linux/constants/sockets.ts";
import type { SyscallName } from "../linux/constants/syscalls.ts";
import type { Kernel, KernelArgument } from "../linux/kernel.ts";
import { compileInit, compileSetup } from "../plan/compile.ts";
import { encode, type Part } from "../plan/encode.ts";
import { HEADER_BYTES, PROGRAM_MAGIC, REGISTERS_OFFSET } from "../plan/layout.ts";
import { MESSAGE_READY } from "../plan/messages.ts";
import { CONTROL, type Field, flags, register, type Step, type Struct } from "../plan/step.ts";
import { loadBundle } from "../runtime/bundle.ts";
import { gatherHost } from "../runtime/host.ts";

/** When an operation is disturbed, and how; see runtime-kill-driver.ts. */
export type Moment = { readonly call: number } | { readonly step: number } | { readonly pause: number } | "never";

/** Ends this process as nothing else would: no handler, no `finally`, no flush. */
function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new TypeError("internal error: still here after SIGKILL");
}

/** A kernel that counts what it is asked for, and kills the process in place of one call. */
export class CountingKernel implements Kernel {
  readonly architecture;
  calls = 0;
  readonly #kernel: Kernel;
  readonly #last: number;

  constructor(kernel: Kernel, at: Moment) {
    this.#kernel = kernel;
    this.architecture = kernel.architecture;
    this.#last = at !== "never" && "call" in at ? at.call : Number.POSITIVE_INFINITY;
  }

  call(name: SyscallName, ...args: readonly KernelArgument[]): number {
    this.#count();
    return this.#kernel.call(name, ...args);
  }

  spawn(path: string, argv: readonly string[]): number {
    this.#count();
    return this.#kernel.spawn(path, argv);
  }

  #count(): void {
    this.calls += 1;
    if (this.calls > this.#last) die();
  }
}

/** How long an orphaned setup waits before it goes on, so that a `delete` at that moment surely meets it. */
const ORPHAN_DELAY_NS = 150_000_000n;
/** Longer than all else that `create` does takes. */
const PAUSE_NS = 60_000_000n;
/** A message that no program sends: the runtime is to die. */
const MESSAGE_DIE = 0x444945;
const MESSAGE_BYTES = 8;
const WAIT = { doing: "wait for the end of the runtime", from: "" };

interface Container {
  readonly id: string;
  readonly bundle: string;
  readonly at: Moment;
}

/**
 * A kernel that writes another program than it is given: the same, but before one step it asks the runtime to die and
 * waits until it has. The runtime dies at the latest when the container is complete.
 */
export class StepKernel implements Kernel {
  readonly architecture;
  /** How many steps the program has as it was given: its first part, and all. */
  readonly steps: { readonly setup: number; readonly all: number };
  readonly #kernel: Kernel;
  readonly #isDeadly: boolean;
  readonly #setup: Part;
  readonly #init: Part;

  constructor(kernel: Kernel, { id, bundle: path, at }: Container) {
    this.#kernel = kernel;
    this.architecture = kernel.architecture;
    this.#isDeadly = at !== "never" && "step" in at;
    const bundle = loadBundle(kernel, path);
    const host = gatherHost({ kernel, rootless: "auto" }, bundle.config, {
      id,
      rootfs: bundle.rootfs,
      foreground: false,
      noPivot: false,
    });
    const request = { id, bundle: path, rootfs: bundle.rootfs, ...PLAIN };
    const program = {
      setup: compileSetup(bundle.config, host, request),
      init: compileInit(bundle.config, host, request),
    };
    this.steps = { setup: program.setup.length, all: program.setup.length + program.init.length };
    const { setup, init } = change(program, at);
    this.#setup = encode(setup, kernel.architecture);
    // The second part stands where it stands after the first one as it was, and knows its registers.
    this.#init = encode(init, kernel.architecture, encode(program.setup, kernel.architecture));
  }

  call(name: SyscallName, ...args: readonly KernelArgument[]): number {
    if (name === "pwrite64" && isPart(args[1])) return this.#writePart(args);
    if (name === "sendto" && args[1] instanceof BigUint64Array) return this.#announcePart(args, args[1]);
    const result = this.#kernel.call(name, ...args);
    if (name === "recvfrom" && this.#isDeadly && isLast(args[1], result)) die();
    return result;
  }

  spawn(path: string, argv: readonly string[]): number {
    return this.#kernel.spawn(path, argv);
  }

  #writePart([fd = -1, given, length = 0, offset = 0]: readonly KernelArgument[]): number {
    const part = offset === 0 ? this.#setup : this.#init;
    const image = part.image.slice();
    // The numbers of the descriptors are in the registers; nothing that was added has one of its own.
    if (given instanceof Uint8Array) image.set(given.subarray(REGISTERS_OFFSET, HEADER_BYTES), REGISTERS_OFFSET);
    const result = this.#kernel.call("pwrite64", fd, image, image.length, offset);
    return result === image.length ? Number(length) : result;
  }

  #announcePart([fd = -1, , , ...rest]: readonly KernelArgument[], [offset = 0n]: BigUint64Array): number {
    const next = BigUint64Array.of(offset, BigInt(this.#init.image.length));
    return this.#kernel.call("sendto", fd, next, next.byteLength, ...rest);
  }
}

function isPart(argument: KernelArgument | undefined): boolean {
  return argument instanceof Uint8Array && kindOf(argument) === PROGRAM_MAGIC;
}

function isLast(argument: KernelArgument | undefined, length: number): boolean {
  return (
    argument instanceof Uint8Array &&
    length >= MESSAGE_BYTES &&
    [MESSAGE_DIE, MESSAGE_READY].includes(kindOf(argument) ?? 0)
  );
}

function kindOf(bytes: Uint8Array): number | undefined {
  return bytes.length < 4 ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** A request without options, for a container with a pid namespace of its own. */
const PLAIN = { noPivot: false, noNewKeyring: false, preserveFds: 0, initPid: 1 };

/** The two parts of a program. */
interface Parts {
  readonly setup: readonly Step[];
  readonly init: readonly Step[];
}

function change(plan: Parts, at: Moment): Parts {
  if (at === "never" || "call" in at) return plan;
  if ("pause" in at) return insertInto(plan, at.pause, [pause(PAUSE_NS)]);
  const isSetup = at.step < plan.setup.length;
  return insertInto(plan, at.step, [...waitForEnd(), ...(isSetup ? [pause(ORPHAN_DELAY_NS)] : [])]);
}

function insertInto({ setup, init }: Parts, index: number, added: readonly Step[]): Parts {
  if (index < setup.length) return { setup: insert(setup, index, added), init };
  return { setup, init: insert(init, index - setup.length, added) };
}

/** Puts steps before one; what passed that one over still does. */
function insert(steps: readonly Step[], index: number, added: readonly Step[]): readonly Step[] {
  const reach = (at: number, over: number): number =>
    at < index && at + 1 + over > index ? over + added.length : over;
  const moved = steps.map((step, at): Step => {
    const { skip, otherwise } = step;
    return {
      ...step,
      ...(skip === undefined ? {} : { skip: reach(at, skip) }),
      ...(otherwise === undefined ? {} : { otherwise: reach(at, otherwise) }),
    };
  });
  return [...moved.slice(0, index), ...added, ...moved.slice(index)];
}

/** ppoll(2) without events ends when the other end of the control socket is closed. */
function waitForEnd(): readonly Step[] {
  const message = struct(MESSAGE_BYTES);
  new DataView(message.bytes.buffer).setUint32(0, MESSAGE_DIE, true);
  const pollfd = struct(8);
  const fd: Field = { kind: "field", of: pollfd, at: 0, name: "fd" };
  const noSignal = flags(MSG.MSG_NOSIGNAL, MSG);
  return [
    { call: "store", args: [fd, register(CONTROL), 4], purpose: WAIT },
    {
      call: "sendto",
      args: [register(CONTROL), message, MESSAGE_BYTES, noSignal, 0, 0],
      // The program may have closed it, as its last steps do.
      tolerated: ["EBADF", "EPIPE", "ECONNRESET"],
      purpose: WAIT,
    },
    { call: "ppoll", args: [pollfd, 1, 0, 0, 0], purpose: WAIT },
  ];
}

/** ppoll(2) of nothing; `struct timespec` is s64 seconds, nanoseconds. */
function pause(ns: bigint): Step {
  const timespec = struct(16);
  new DataView(timespec.bytes.buffer).setBigInt64(8, ns, true);
  return { call: "ppoll", args: [0, 0, timespec, 0, 0], purpose: WAIT };
}

function struct(size: number): Struct {
  return { kind: "struct", bytes: new Uint8Array(size), describe: () => "" };
}
