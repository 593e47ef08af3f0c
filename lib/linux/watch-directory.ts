import type { FSWatcher } from "node:fs";

/** A watch that is kept until it is disposed of. */
export interface DirectoryWatch extends Disposable {
  /** False once no news can come any more. */
  readonly isLive: boolean;
}

/** inotify(7): calls `changed` after anything in a directory was made, written, renamed or removed. */
export function watchDirectory(path: string, changed: () => void): DirectoryWatch {
  let watcher: FSWatcher | undefined;
  const close = () => {
    watcher?.close();
    watcher = undefined;
  };
  try {
    watcher = process.getBuiltinModule("node:fs").watch(path, { persistent: false }, changed);
    watcher.on("error", close);
  } catch {
    // There are no watches left, or no such directory.
  }
  return {
    get isLive() {
      return watcher !== undefined;
    },
    [Symbol.dispose]: close,
  };
}
