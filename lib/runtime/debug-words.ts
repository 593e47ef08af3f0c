/**
 * What runc's debug log says of the stages of a start. Its test suite, and people who read such logs, look for these
 * words; each is said when ours has reached what it names.
 */
export const DEBUG = {
  /** The first process of the program runs. */
  setup: "nsexec container setup",
  /** The first process of the container is born. */
  born: "child process in init()",
  /** The container is complete. */
  complete: "init: closing the pipe to signal completion",
  /** All that is left of exec is execve(2). */
  aboutToExec: "setns_init: about to exec",
} as const;
