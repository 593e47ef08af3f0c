import { Children } from "../linux/children.ts";
import { PRCTL } from "../linux/constants/processes.ts";
import type { Kernel } from "../linux/kernel.ts";
import { Readiness } from "../linux/readiness.ts";
import type { Waits } from "../runtime/waits.ts";

/** What everything in a shim shares: the kernel, and the news that come by signals. */
export interface Machine {
  readonly kernel: Kernel;
  /** Of which the programs of the host that it runs are given the PATH. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly children: Children;
  readonly readiness: Readiness;
  /** For lib/runtime, which must not block this process. */
  readonly waits: Waits;
}

/** Makes this process a subreaper, and listens to the signals that say what is new. */
export function openMachine(kernel: Kernel, environment: Machine["environment"]): Machine {
  const children = new Children(kernel);
  const readiness = new Readiness(kernel);
  kernel.call("prctl", PRCTL.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  process.on("SIGCHLD", () => children.check());
  process.on("SIGIO", () => readiness.check());
  const waits: Waits = {
    readable: (fd) => readiness.readable(fd),
    exited: (pid) => children.exited(pid),
    reap: (pid) => children.reap(pid),
  };
  return { kernel, environment, children, readiness, waits };
}
