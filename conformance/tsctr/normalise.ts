/** What differs from run to run, or is a daemon's own affair, taken out of what tsctr printed. */
const RULES: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, "<TIME>"],
  [/\d+ (?:second|minute)s? ago/g, "<AGE>"],
  [/sha256:[0-9a-f]{64}/g, "<DIGEST>"],
  [/\b[0-9a-f]{12}\b/g, "<HEX>"],
  [/(Up|Paused) +\d+/g, "$1 <PID>"],
  [/(<AGE>) +\d+/g, "$1 <PID>"],
  // busybox 1.38 says where, and containerd 2 has one snapshotter more.
  [/\bsh: line \d+: /g, "sh: "],
  [/"erofs",/g, ""],
  [/[ \t]+/g, " "],
];

/** The names of one run of the suite. */
export interface Names {
  readonly tag: string;
  readonly folder: string;
  readonly workspace: string;
}

/** The lines of a text, without what is by chance. */
export function normalise(text: string, { tag, folder, workspace }: Names): readonly string[] {
  const named = text.replaceAll(folder, "<FOLDER>").replaceAll(workspace, "<WORKSPACE>").replaceAll(tag, "<TAG>");
  const lines = named
    .split("\n")
    .map((line) => RULES.reduce((done, [pattern, by]) => done.replace(pattern, by), line).trim());
  while (lines.at(-1) === "") lines.pop();
  return lines;
}
