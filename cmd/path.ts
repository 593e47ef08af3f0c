/**
 * An absolute path, lexically clean: no empty, `.` or `..` component.
 * node:path gives the same, but loading it costs 0.4 ms of a 4 ms program.
 */
export function absolutePath(cwd: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${cwd}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The last component of a path, as basename(1) gives it. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
