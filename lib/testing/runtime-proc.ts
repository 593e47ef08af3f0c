/** proc(5) as the tests of lib/runtime read it: past the code under test. */
import { type Dirent, readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The text of a file, or "" once it is gone. */
export function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** proc_pid_stat(5): state, parent and session of a process; undefined once it is gone. */
export function readStatus(pid: number): { state: string; parent: number; session: number } | undefined {
  const text = readIfThere(`/proc/${pid}/stat`);
  const [state = "", parent, , session] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return state === "" ? undefined : { state, parent: Number(parent), session: Number(session) };
}

/** Whether a process runs; a zombie has ended. */
export function isAlive(pid: number): boolean {
  return !["", "Z", "X"].includes(readStatus(pid)?.state ?? "");
}

/** All processes there are. */
export function listPids(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** What the descriptors of a process are, without those that look at them. */
export function listDescriptors(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  return entriesOf(folder)
    .map(({ name }) => linkOf(`${folder}/${name}`))
    .filter((target) => target !== "" && target !== `/proc/${pid}/fd`)
    .sort();
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** The entries of a directory; none once it is gone. */
export function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Paths of the directories below `folder` whose own name, or that of one above, contains `mark`. */
export function directoriesNamed(folder: string, mark: string): readonly string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const path = `${folder}/${name}`;
      const below = directoriesNamed(path, mark);
      return path.includes(mark) ? [path, ...below] : below;
    });
}

/** Paths of all files and directories below `folder`. */
export function pathsBelow(folder: string): readonly string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? [path, ...pathsBelow(path)] : [path];
  });
}

/** Whether an error of node:fs has this errno. */
export function isErrno(error: unknown, symbol: string): boolean {
  return error instanceof Error && "code" in error && error.code === symbol;
}
