const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's time.ParseDuration, e.g. `1m30s` or `-1.5h`, in milliseconds. @throws {TypeError} with what is allowed */
export function parseDuration(given: string): number {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(given);
  if (match === null) throw new TypeError("must be a duration such as 500ms, 5s or 1m30s");
  const [, sign = "", body = ""] = match;
  let total = 0;
  for (const [, amount = "", unit = ""] of body.matchAll(/(\d+\.?\d*|\.\d+)(\D+?)(?=[\d.]|$)/g)) {
    total += Number(amount) * (UNIT_MS[unit] ?? 0);
  }
  return sign === "-" ? -total : total;
}
