import type { Process, Scheduler } from "../config.ts";
import type { Report, Rule } from "../rule.ts";
import { checkNumberList } from "./number-list.ts";

/** config.md § Process */
export const processRules: readonly Rule<Process>[] = [
  { reads: ["/args"], check: checkArgs },
  { reads: ["/rlimits"], check: checkRlimits },
  {
    reads: ["/execCPUAffinity"],
    check({ execCPUAffinity: { initial, final } = {} }, at, report) {
      checkNumberList(initial, `${at}/execCPUAffinity/initial`, report);
      checkNumberList(final, `${at}/execCPUAffinity/final`, report);
    },
  },
  {
    reads: ["/scheduler"],
    check({ scheduler }, at, report) {
      if (scheduler !== undefined) checkScheduler(scheduler, `${at}/scheduler`, report);
    },
  },
];

/** config.md: only a start needs args, but runc refuses to create a process without them. */
function checkArgs({ args }: Process, at: string, report: Report): void {
  if (args === undefined) report(`${at}/args`, undefined, "must be an array of at least one string");
}

function checkRlimits({ rlimits }: Process, at: string, report: Report): void {
  const seen: string[] = [];
  for (const [index, { type, soft, hard }] of (rlimits ?? []).entries()) {
    const pointer = `${at}/rlimits/${index}`;
    if (seen.includes(type)) report(`${pointer}/type`, type, "must not be listed twice");
    seen.push(type);
    if (soft > hard) report(`${pointer}/soft`, soft, `must not be more than the hard limit, ${hard}`);
  }
}

/** sched_setattr(2) */
function checkScheduler(scheduler: Scheduler, at: string, report: Report): void {
  const { policy, nice = 0, priority = 0 } = scheduler;
  if ((policy === "SCHED_OTHER" || policy === "SCHED_BATCH") && (nice < -20 || nice > 19)) {
    report(`${at}/nice`, nice, "must be an integer from -20 to 19");
  }
  if (policy === "SCHED_FIFO" || policy === "SCHED_RR") {
    if (priority < 1 || priority > 99) {
      report(`${at}/priority`, scheduler.priority, `must be an integer from 1 to 99 with ${policy}`);
    }
  } else if (priority !== 0) {
    report(`${at}/priority`, priority, 'must be absent or 0 unless the policy is "SCHED_FIFO" or "SCHED_RR"');
  }
  for (const name of ["runtime", "deadline", "period"] as const) {
    const value = scheduler[name] ?? 0;
    if (policy === "SCHED_DEADLINE" || value === 0) continue;
    report(`${at}/${name}`, value, 'must be absent or 0 unless the policy is "SCHED_DEADLINE"');
  }
}
