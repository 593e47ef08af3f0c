/**
 * Paths of a tree we did not make: bytes, not text. They are kept as strings of one character a byte (latin1), so that
 * they compare, split and serve as keys, and no name is lost for not being UTF-8.
 */
export type BytePath = string;

/** A path for the kernel: its bytes, with the NUL. @throws {TypeError} when there is one in it */
export function toKernel(path: BytePath): Uint8Array {
  if (path.includes("\0")) throw new TypeError("internal error: a path with a NUL");
  return Buffer.from(`${path}\0`, "latin1");
}

/** The path that some bytes are. */
export function fromBytes(bytes: Uint8Array): BytePath {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** The path whose UTF-8 is that of a text. */
export function fromText(text: string): BytePath {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** A path as people read it. */
export function toText(path: BytePath): string {
  return Buffer.from(path, "latin1").toString("utf8");
}

/**
 * A path without ".", "..", and empty parts, as it is below a root: what would lead above the root stays at it. "" is the
 * root itself. Links are not looked at.
 */
export function clean(path: BytePath): BytePath {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** Splits a clean path that is not the root's into the directory, "" for the root, and the name in it. */
export function split(path: BytePath): readonly [directory: BytePath, name: BytePath] {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? ["", path] : [path.slice(0, slash), path.slice(slash + 1)];
}

/** The path of a name in a directory given as a clean path. */
export function join(directory: BytePath, name: BytePath): BytePath {
  return directory === "" ? name : `${directory}/${name}`;
}
