export interface Names {
  /** The folder of the daemon. */
  readonly folder: string;
  /** The folder of everything. */
  readonly workspace: string;
  /** The first number of ctr's version. */
  readonly major: number;
}

const RULES: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( [+-]\d{4} UTC|Z)?/g, "<TIME>"],
  [/"pid":\d+/g, '"pid":<PID>'],
  [/(RUNNING|STOPPED|PAUSED|CREATED)/g, "$1"],
  // Where a daemon keeps its snapshots, and by which number, is its own affair.
  [/<FOLDER>\/root\/(io\.containerd\.snapshotter\.v1\.overlayfs\/snapshots|snapshots\/overlayfs)\/\d+/g, "<SNAPSHOT>"],
  [/<FOLDER>\/root\/(io\.containerd\.snapshotter\.v1\.native\/snapshots|snapshots\/native)\/\d+/g, "<SNAPSHOT>"],
  [/fifo\/\d+/g, "fifo/<N>"],
  [/"exited_at":\{"seconds":\d+,"nanos":\d+\}/g, '"exited_at":"<TIME>"'],
  [/^Importing elapsed: .*/, "Importing"],
  [/\b(Less than a second|About a minute|\d+ (milliseconds?|seconds?|minutes))\b/g, "<AGE>"],
  [/^(\S+ )\d+( (RUNNING|STOPPED|PAUSED|CREATED))/, "$1<PID>$2"],
  [/^\d+ (-|&ProcessDetails\S*)/, "<PID> $1"],
  [/-\d{9,}/g, "-<N>"],
  [/[ \t]+/g, " "],
];

/** Takes out of what `ctr` printed what differs from run to run, and how columns are filled up. */
export function normalise(text: string, { folder, workspace, major }: Names): readonly string[] {
  const lines = text.replaceAll(folder, "<FOLDER>").replaceAll(workspace, "<WORKSPACE>").split("\n");
  while (lines.at(-1) === "") lines.pop();
  return lines.map((line) => {
    const one = line.replaceAll(/[ \t]+/g, " ").trim();
    const shown = sortOptions(RULES.reduce((done, [pattern, by]) => done.replace(pattern, by), one));
    return major === 1 ? shortenError(shown) : shown.replace(WORDS, "$1…");
  });
}

/** The order of an overlay's options means nothing. */
function sortOptions(line: string): string {
  const sort = (list: string) => list.split(",").sort().join();
  return line
    .replace(/"options":\[([^\]]*)\]/g, (_all, list: string) => `"options":[${sort(list)}]`)
    .replace(/ -o (\S+)$/, (_all, list: string) => ` -o ${sort(list)}`);
}

/** ctr 2 shows a daemon's words without the class of the error, unless they happen to have it. */
const WORDS = /^(ctr: |time="<TIME>" level=error msg=).*/;

const ERROR =
  /^(ctr: |time="<TIME>" level=error msg=).*: (unknown|[a-z]+ (?:argument|found|exists|precondition|range|implemented))"?$/;

/** Programs act on the class of an error; its words are each daemon's own. */
function shortenError(line: string): string {
  const [, begin, errorClass] = ERROR.exec(line) ?? [];
  return begin === undefined ? line : `${begin}…: ${errorClass}`;
}
