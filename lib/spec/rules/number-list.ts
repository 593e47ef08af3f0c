import type { Report } from "../rule.ts";

/** More CPUs, or nodes, than any kernel can be built for. */
const MAX_NUMBER = 65_535;

/** cpuset(7), list format, whose shape the schema has checked: ranges ascend, and no number is absurd. */
export function checkNumberList(list: string | undefined, at: string, report: Report): void {
  const ranges = (list ?? "").split(",").map((range) => range.split("-").map(Number));
  const isWrong = ranges.some(([first = 0, last = first]) => last < first || last > MAX_NUMBER);
  if (isWrong) report(at, list, `must have ascending ranges of numbers up to ${MAX_NUMBER}`);
}
