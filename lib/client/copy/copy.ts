import { ContainerError } from "../../errors.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { isDirectory } from "../../linux/tree/entries.ts";
import { type BytePath, clean, fromText, split, toText } from "../../linux/tree/paths.ts";
import type { TarEntry } from "../../tar/tar-entry.ts";
import { packTree } from "../../tar/tree-reader.ts";
import { unpackTree } from "../../tar/tree-writer.ts";
import { findDestination, findInside, type Side, type Source } from "./find.ts";

/** A path on one side. */
export interface Place extends Side {
  readonly path: BytePath;
}

/** Who owns copies, and what of their looks is kept. */
export interface Looks {
  /** Undefined: who owned the original. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Files that make who runs them somebody else, and devices, may be made. */
  readonly mayPrivilege: boolean;
}

export interface CopyOptions {
  /** A link that is named is followed. */
  readonly follow: boolean;
  readonly looks: Looks;
  readonly warn: (message: string) => void;
}

/** docker cp: copies a file or a directory. @throws {ContainerError}, {SyscallError} */
export async function copyTree(kernel: Kernel, from: Place, to: Place, options: CopyOptions): Promise<void> {
  using source = open(kernel, from, options);
  using target = findDestination(kernel, to, to.path, source.about);
  const chunks = source.pack(target.as);
  await unpackTree(kernel, chunks, { into: target.into, edit: editor(options) });
}

/** docker cp SOURCE -: the archive of a file or a directory. @throws {ContainerError}, {SyscallError} */
export async function* packPlace(kernel: Kernel, from: Place, options: CopyOptions): AsyncGenerator<Uint8Array> {
  using source = open(kernel, from, options);
  yield* source.pack(source.about.isContents ? "" : source.about.name);
}

/** docker cp - DESTINATION: unpacks an archive into a directory that is there. @throws {ContainerError}, {SyscallError} */
export async function unpackPlace(
  kernel: Kernel,
  chunks: AsyncIterable<Uint8Array>,
  to: Place,
  options: CopyOptions,
): Promise<void> {
  const everything: Source = { name: "", isDirectory: true, isContents: true };
  using target = findDestination(kernel, { ...to }, `${to.path}/.`, everything);
  if (target.as !== "")
    throw new ContainerError("not_found", `cannot copy to ${shown(to)}: there is no such directory`);
  await unpackTree(kernel, chunks, { into: target.into, edit: editor(options) });
}

function open(kernel: Kernel, from: Place, { follow, warn }: CopyOptions) {
  const { path } = from;
  const found = findInside(kernel, from, path, { follow });
  if (found === undefined) throw new ContainerError("not_found", `cannot copy ${shown(from)}: there is no such file`);
  const { status, directory, name } = found;
  const bare = split(clean(path))[1];
  const about: Source = {
    isDirectory: isDirectory(status),
    // The root has no name that a copy of it could have.
    isContents: isDirectory(status) && (/\/\.$/.test(path) || bare === ""),
    name: bare,
  };
  return {
    about,
    pack: (as: BytePath) => packTree(kernel, { from: { directory, name }, status, as, warn }),
    [Symbol.dispose]: () => found[Symbol.dispose](),
  };
}

/** What becomes of an entry on its way. */
function editor({ looks, warn }: CopyOptions) {
  const { owner, mayPrivilege } = looks;
  return (entry: TarEntry): TarEntry | undefined => {
    const isDevice = entry.type === "char" || entry.type === "block";
    if (isDevice && !mayPrivilege) {
      warn(`${toText(entry.name)} is a device: left out, which --archive would not do`);
      return undefined;
    }
    const plain = mayPrivilege ? entry : withoutPrivilege(entry);
    return owner === undefined ? plain : { ...plain, ...owner };
  };
}

function withoutPrivilege(entry: TarEntry): TarEntry {
  const attributes = new Map([...entry.attributes].filter(([key]) => key !== "security.capability"));
  const special = Math.floor((entry.mode % 0o10000) / 0o2000) % 4;
  return { ...entry, attributes, mode: entry.type === "directory" ? entry.mode : entry.mode - special * 0o2000 };
}

function shown({ label, path }: Place): string {
  return `${label}${toText(path)}`;
}

/** `CONTAINER:PATH`, or a path of this machine: one that begins with `/` or `.`, or has no colon, and `-`. */
export function parseCopyPath(text: string): { readonly container: string | undefined; readonly path: BytePath } {
  const colon = text.indexOf(":");
  if (/^[/.]/.test(text) || colon < 1) return { container: undefined, path: fromText(text) };
  return { container: text.slice(0, colon), path: fromText(text.slice(colon + 1)) };
}
