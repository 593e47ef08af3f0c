import type { Linux, Process, StringMap } from "../spec/config.ts";
import {
  compileBoundingSet,
  compileCapabilities,
  compileNoNewPrivileges,
  compileUmask,
  compileUser,
} from "./credentials.ts";
import { compileCwd, compileExecutable } from "./executable.ts";
import type { Host } from "./host.ts";
import { compileLabels } from "./labels.ts";
import { compileStdioOwner } from "./process.ts";
import { compileRlimits } from "./rlimits.ts";
import { groupsPolicy } from "./rootless.ts";
import { compileScheduling } from "./scheduling.ts";
import { compileSeccomp, type LoadableFilter } from "./seccomp/compile.ts";
import { hasListener } from "./seccomp/filter.ts";
import type { Step, Struct } from "./step.ts";

/** What it takes to become a program of the container, from inside of it. */
export interface Become {
  /** Takes on all the process is to have, and finds its program. */
  readonly prepare: readonly Step[];
  /** The last steps: nothing but the program comes after them. Hooks among them have to pass the filter, as with runc. */
  readonly execute: (hooks?: readonly Step[]) => readonly Step[];
  /** environ(7) of the program, after `prepare`. */
  readonly environment: Struct;
}

/** What else of a container its processes depend on. */
export interface Surroundings {
  readonly linux: Linux;
  readonly filter: LoadableFilter | undefined;
  readonly annotations: StringMap | undefined;
  /** Closes what was opened until then, after the last step that needs it. */
  readonly closing?: readonly Step[];
}

/** config.md § Process: limits, scheduling, credentials, working directory, seccomp, program; for init and for exec. */
export function compileBecome(process: Process, surroundings: Surroundings, host: Host): Become {
  const { linux, filter, annotations, closing = [] } = surroundings;
  const { user = {}, capabilities = {} } = process;
  const cwd = compileCwd(process);
  const executable = compileExecutable(process);
  const limits = compileRlimits(process.rlimits ?? [], host);
  const { seccomp } = linux;
  const load = seccomp === undefined || filter === undefined ? [] : compileSeccomp(seccomp, filter);
  // Without no_new_privs the filter takes CAP_SYS_ADMIN, which is gone later; with it, the later the better: every step
  // after it has to pass it.
  const isLate = process.noNewPrivileges === true;
  // It is `create` that knows the way to a listener, not `start`.
  const isHanded = seccomp !== undefined && hasListener(seccomp);
  const late = isLate && !isHanded ? load : [];
  return {
    prepare: [
      // Before no_new_privs, which some kernels take for a reason to refuse a profile.
      ...compileLabels(process),
      ...limits.early,
      ...compileScheduling(process, linux),
      ...(isLate ? [compileNoNewPrivileges()] : []),
      compileUmask(user),
      ...cwd.asRoot,
      ...compileStdioOwner(user, host, process.terminal === true),
      ...closing,
      ...(isLate ? [] : load),
      ...compileBoundingSet(capabilities, host),
      ...compileUser(user, groupsPolicy(linux, host, annotations)),
      ...compileCapabilities(capabilities, host),
      ...cwd.asUser,
      ...executable.find,
      ...(isLate && isHanded ? load : []),
    ],
    execute: (hooks = []) =>
      hooks.length === 0
        ? [...limits.late, ...late, executable.execute]
        : [...late, ...hooks, ...limits.late, executable.execute],
    environment: executable.environment,
  };
}
