import { FILE_TYPE, OPEN } from "../../lib/linux/constants/files.ts";
import { checkedCall } from "../../lib/linux/fd.ts";
import { findStatus, openFile } from "../../lib/linux/files.ts";
import type { Kernel } from "../../lib/linux/kernel.ts";
import { AdvisedError } from "./advice.ts";
import type { CtrContext } from "./context.ts";

/** Programs that are made to be the first process of a container, and take what they start behind `--`. */
const NAMES = ["catatonit", "tini-static", "docker-init", "tini"];
const DIRECTORIES = ["/usr/libexec/podman", "/usr/libexec/docker", "/usr/local/bin", "/usr/bin", "/usr/sbin", "/sbin"];
const HEAD_BYTES = 4096;
const PT_INTERP = 3;
const ENTRY_BYTES = 56;

/** A program for `--init`: it has to need nothing of the image, not even a dynamic loader. @throws {AdvisedError} */
export function findInit({ kernel }: CtrContext): string {
  const candidates = DIRECTORIES.flatMap((directory) => NAMES.map((name) => `${directory}/${name}`));
  const there = candidates.filter((path) => findStatus(kernel, path)?.type === FILE_TYPE.S_IFREG);
  const found = there.find((path) => isStatic(kernel, path));
  if (found !== undefined) return found;
  const why = there.length === 0 ? `there is none of ${NAMES.join(", ")}` : `${there.join(", ")} need libraries`;
  throw new AdvisedError("failed_precondition", `--init: this host has no init for containers: ${why}`, {
    advice: "install catatonit, or the package of tini that has tini-static",
  });
}

/** elf(5), 64 bits: whether it asks for no interpreter. */
function isStatic(kernel: Kernel, path: string): boolean {
  using file = openFile(kernel, path, OPEN.O_RDONLY);
  const bytes = new Uint8Array(HEAD_BYTES);
  const length = checkedCall(kernel, { doing: `read ${path}`, path }, "read", file.number, bytes, bytes.length);
  const view = new DataView(bytes.buffer, 0, length);
  if (length < 64 || view.getUint32(0) !== 0x7f454c46 || bytes[4] !== 2) return false;
  const [table, count] = [Number(view.getBigUint64(32, true)), view.getUint16(56, true)];
  if (table + count * ENTRY_BYTES > length) return false;
  return !Array.from({ length: count }, (_, index) => view.getUint32(table + index * ENTRY_BYTES, true)).includes(
    PT_INTERP,
  );
}
