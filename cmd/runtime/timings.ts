import type { SyscallName } from "../../lib/linux/constants/syscalls.ts";
import type { Kernel, KernelArgument } from "../../lib/linux/kernel.ts";
import type { Stage } from "../../lib/runtime/options.ts";

/** Where the time of one command goes. */
export interface Timings {
  /** Says that the stage that has begun at the last mark is over; more of the same name add up. */
  readonly mark: (stage: Stage | OwnStage) => void;
  /** The same kernel, whose calls are counted and timed. */
  readonly watch: (kernel: Kernel) => Kernel;
  /** What was measured, to be printed at the end. */
  readonly report: () => string;
}

/** The stages that every command has. */
type OwnStage = "start-up" | "load command" | "parse options" | "load library" | "rest";

export interface Measured {
  readonly command: string;
  readonly format: "text" | "json";
  /** From the start of the process until the options in front of the command were known. */
  readonly startUpMs: number;
}

interface Spent {
  count: number;
  ms: number;
}

/** Calls that are listed in the text; JSON has all of them. */
const LISTED_CALLS = 12;

/** `tsrun --timings`: begins with the stage after start-up. `now` counts milliseconds. */
export function measure(
  { command, format, startUpMs }: Measured,
  now: () => number = () => performance.now(),
): Timings {
  const stages = new Map<string, Spent>([["start-up", { count: 1, ms: startUpMs }]]);
  const calls = new Map<string, Spent>();
  let last = now();
  let isLoaded = false;
  const mark: Timings["mark"] = (stage) => {
    const at = now();
    add(stages, stage, at - last);
    last = at;
  };
  const time = (name: string, work: () => number): number => {
    // What a command does begins with its first call to the kernel; until then its code is loaded.
    if (!isLoaded) mark("load library");
    isLoaded = true;
    const begin = now();
    const result = work();
    add(calls, name, now() - begin);
    return result;
  };
  return {
    mark,
    watch: (kernel) => new TimedKernel(kernel, time),
    report: () => {
      mark("rest");
      return format === "json" ? reportJson(command, stages, calls) : reportText(command, stages, calls);
    },
  };
}

class TimedKernel implements Kernel {
  readonly architecture;
  readonly #kernel: Kernel;
  readonly #time: (name: string, work: () => number) => number;

  constructor(kernel: Kernel, time: (name: string, work: () => number) => number) {
    this.architecture = kernel.architecture;
    this.#kernel = kernel;
    this.#time = time;
  }

  call(name: SyscallName, ...args: readonly KernelArgument[]): number {
    return this.#time(name, () => this.#kernel.call(name, ...args));
  }

  spawn(path: string, argv: readonly string[]): number {
    return this.#time("posix_spawn", () => this.#kernel.spawn(path, argv));
  }
}

function add(table: Map<string, Spent>, name: string, ms: number): void {
  const spent = table.get(name) ?? { count: 0, ms: 0 };
  spent.count += 1;
  spent.ms += ms;
  table.set(name, spent);
}

function total(table: ReadonlyMap<string, Spent>): Spent {
  const sum: Spent = { count: 0, ms: 0 };
  for (const { count, ms } of table.values()) {
    sum.count += count;
    sum.ms += ms;
  }
  return sum;
}

function reportJson(command: string, stages: ReadonlyMap<string, Spent>, calls: ReadonlyMap<string, Spent>): string {
  const rows = (table: ReadonlyMap<string, Spent>) =>
    [...table].map(([name, { count, ms }]) => ({ name, count, ms: Number(ms.toFixed(3)) }));
  const totalMs = Number(total(stages).ms.toFixed(3));
  return `${JSON.stringify({ timings: { command, totalMs, stages: rows(stages), calls: rows(calls) } })}\n`;
}

function reportText(command: string, stages: ReadonlyMap<string, Spent>, calls: ReadonlyMap<string, Spent>): string {
  const all = total(stages);
  const called = total(calls);
  const longest = [...calls].toSorted(([, a], [, b]) => b.ms - a.ms).slice(0, LISTED_CALLS);
  const lines = [
    `timings of ${command}: ${all.ms.toFixed(3)} ms`,
    ...[...stages].map(([name, { ms }]) => row(name, ms)),
    `in ${called.count} calls to the kernel: ${called.ms.toFixed(3)} ms; the longest:`,
    ...longest.map(([name, { count, ms }]) => row(count === 1 ? name : `${name} × ${count}`, ms)),
  ];
  return `${lines.join("\n")}\n`;
}

const NAME_WIDTH = 24;
const MS_WIDTH = 10;

function row(name: string, ms: number): string {
  return `  ${name.padEnd(NAME_WIDTH)}${ms.toFixed(3).padStart(MS_WIDTH)}`;
}
