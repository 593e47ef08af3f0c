import type { Report, Rule } from "../rule.ts";
import type { Seccomp, SeccompAction, SeccompSyscall } from "../seccomp.ts";

/** config-linux.md § Seccomp */
export const seccompRules: readonly Rule<Seccomp>[] = [
  { reads: ["/defaultAction", "/defaultErrnoRet"], check: checkDefault },
  {
    reads: ["/syscalls", "/listenerPath"],
    check({ syscalls, listenerPath }, at, report) {
      for (const [index, syscall] of (syscalls ?? []).entries()) {
        checkSyscall(syscall, listenerPath, { at: `${at}/syscalls/${index}`, report });
      }
    },
  },
];

function checkDefault({ defaultAction, defaultErrnoRet }: Seccomp, at: string, report: Report): void {
  if (defaultErrnoRet !== undefined && !takesErrno(defaultAction)) {
    report(`${at}/defaultErrnoRet`, defaultErrnoRet, `must be absent with the action "${defaultAction}"`);
  }
  if (defaultAction === "SCMP_ACT_NOTIFY") {
    // The runtime has to hand over the descriptor when the filter is already in force.
    report(`${at}/defaultAction`, defaultAction, "SCMP_ACT_NOTIFY cannot be used as default action");
  }
}

interface Place {
  readonly at: string;
  readonly report: Report;
}

function checkSyscall(syscall: SeccompSyscall, listenerPath: string | undefined, { at, report }: Place): void {
  const { action, errnoRet, names } = syscall;
  if (errnoRet !== undefined && !takesErrno(action)) {
    report(`${at}/errnoRet`, errnoRet, `must be absent with the action "${action}"`);
  }
  if (action !== "SCMP_ACT_NOTIFY") return;
  for (const [index, name] of names.entries()) {
    if (!NEVER_NOTIFIED.includes(name)) continue;
    report(`${at}/names/${index}`, name, `SCMP_ACT_NOTIFY cannot be used for the ${name} syscall`);
  }
  if (listenerPath === undefined) report(`${at}/action`, action, "must not be used without a listenerPath");
}

/**
 * What hands the listener's descriptor over when the filter is in force: nobody could answer yet. sendmsg(2) is that
 * call with us, write(2) with runc, whose profiles are written to run with either.
 */
const NEVER_NOTIFIED: readonly string[] = ["sendmsg", "write"];

function takesErrno(action: SeccompAction): boolean {
  return action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE";
}
