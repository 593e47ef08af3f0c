/** The middle value; of an even number the mean of the two middle ones. @throws {TypeError} for no values */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new TypeError("internal error: median of nothing");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/**
 * The smallest multiple of `step` in (low, high] for which `works` holds, where it holds for all above. Undefined if not
 * even `high` works.
 */
export async function bisect(
  range: { readonly low: number; readonly high: number; readonly step: number },
  works: (value: number) => Promise<boolean>,
): Promise<number | undefined> {
  let low = Math.floor(range.low / range.step);
  let high = Math.ceil(range.high / range.step);
  if (!(await works(high * range.step))) return undefined;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await works(middle * range.step)) high = middle;
    else low = middle;
  }
  return high * range.step;
}
