const PERIOD_US = 100_000;

/** cgroups(7): processors' worth of time, as so much of each period. */
export function cpuLimits(cpus: number | undefined): { readonly quota?: number; readonly period?: number } {
  return cpus === undefined ? {} : { quota: Math.round(cpus * PERIOD_US), period: PERIOD_US };
}
