import { PRCTL, SIGNALS } from "../linux/constants/processes.ts";
import { waitForChild } from "../linux/executor.ts";
import type { Kernel } from "../linux/kernel.ts";

/** What a foreground `run` passes on: all that ask something of a program and that a JavaScript process can catch. */
const FORWARDED = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGTERM",
  "SIGCONT",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGIO",
  "SIGPWR",
] as const;

/** The watch of a foreground `run` over its container. */
export interface InitWatch {
  /** Waits for the end of init, and passes on the signals that this process gets meanwhile, or got before. */
  wait(pid: number, onResize: () => void): Promise<number>;
  /** Gives the signals back. */
  close(): void;
}

/**
 * Catches signals from here on; those that come before there is an init reach it then. As a subreaper this process
 * gets the orphans of the container for its children, and reaps them too.
 */
export function watchInit(kernel: Kernel, { subreaper }: { readonly subreaper: boolean }): InitWatch {
  if (subreaper) kernel.call("prctl", PRCTL.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const early: number[] = [];
  let deliver = (signal: number): void => {
    early.push(signal);
  };
  let check = (): void => undefined;
  let resize = (): void => undefined;
  const handlers = new Map<NodeJS.Signals, () => void>([
    ["SIGCHLD", () => check()],
    ["SIGWINCH", () => resize()],
    ...FORWARDED.map((name): [NodeJS.Signals, () => void] => [name, () => deliver(SIGNALS[name])]),
  ]);
  for (const [name, handler] of handlers) process.on(name, handler);
  return {
    wait: (pid, onResize) =>
      new Promise((resolve) => {
        resize = onResize;
        deliver = (signal) => {
          kernel.call("kill", pid, signal);
        };
        check = () => {
          const status = waitForChild(kernel, pid, false);
          if (status === undefined) return;
          check = () => undefined;
          deliver = () => undefined;
          reapOrphans(kernel);
          resolve(status.code);
        };
        for (const signal of early) deliver(signal);
        check();
      }),
    close: () => {
      for (const [name, handler] of handlers) process.removeListener(name, handler);
    },
  };
}

const ANY_CHILD = -1;

function reapOrphans(kernel: Kernel): void {
  while (kernel.call("wait4", ANY_CHILD, 0, 1, 0) > 0);
}
