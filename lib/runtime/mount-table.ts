/** A mount of proc_pid_mountinfo(5), as far as we look at it. */
export interface MountEntry {
  readonly point: string;
  readonly type: string;
  /** Of the mount, not of its filesystem: `ro`, `nosuid`, `relatime`, … */
  readonly flags: readonly string[];
}

/** proc_pid_mountinfo(5): all mounts, in the order of their making. */
export function readMounts(text: string): readonly MountEntry[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const fields = line.split(" ");
      const type = fields[fields.indexOf("-") + 1] ?? "";
      return { point: unescapeMount(fields[4] ?? ""), type, flags: (fields[5] ?? "").split(",") };
    });
}

/** The mount that a path lies on: of those with the longest point the last one, which covers the others. */
export function mountOf(mounts: readonly MountEntry[], path: string): MountEntry | undefined {
  let found: MountEntry | undefined;
  for (const entry of mounts) {
    if (isBelow(path, entry.point) && entry.point.length >= (found?.point.length ?? 0)) found = entry;
  }
  return found;
}

/** Whether a path is a directory or lies below it, by their texts. */
export function isBelow(path: string, directory: string): boolean {
  return directory === "/" || path === directory || path.startsWith(`${directory}/`);
}

/** A space, a tab, a newline and a backslash are written as octal numbers. */
function unescapeMount(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
