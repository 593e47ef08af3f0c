import { createText, removeFile, renameFile } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";

/** Writes a pid, decimal and without newline, as engines parse it; a reader sees the whole file or none. */
export function writePidFile(kernel: Kernel, path: string, pid: number): void {
  const slash = path.lastIndexOf("/") + 1;
  const temporary = `${path.slice(0, slash)}.${path.slice(slash)}`;
  createText(kernel, temporary, String(pid), 0o644);
  try {
    renameFile(kernel, temporary, path);
  } catch (error) {
    removeFile(kernel, temporary);
    throw error;
  }
}
