import { ContainerError } from "../errors.ts";
import { findStatus, findText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { type ContainerState, stateOf } from "./container-status.ts";
import { type ContainerRecord, containerDirectory, findRecord, listIds } from "./container-store.ts";
import type { RuntimeOptions } from "./options.ts";

/** All containers below the state root; a directory without a record is one that is just being made, and left out. */
export function list(options: RuntimeOptions): readonly ContainerState[] {
  return listIds(options).flatMap((id) => {
    const record = findWhole(options, id);
    if (record === undefined) return [];
    const uid = findStatus(options.kernel, containerDirectory(options, id))?.uid ?? 0;
    return [{ ...stateOf(options, record), owner: userName(options.kernel, uid) }];
  });
}

/** One container that is damaged does not hide the others. */
function findWhole(options: RuntimeOptions, id: string): ContainerRecord | undefined {
  try {
    return findRecord(options, id);
  } catch (error) {
    if (!(error instanceof ContainerError) || error.code !== "data_loss") throw error;
    options.warn(error.message);
    return undefined;
  }
}

/** passwd(5): the name of a user, or `#uid` for one without, as runc prints it. */
function userName(kernel: Kernel, uid: number): string {
  const lines = findText(kernel, "/etc/passwd")?.split("\n") ?? [];
  const entry = lines.map((line) => line.split(":")).find((fields) => fields[2] === String(uid));
  return entry?.[0] ?? `#${uid}`;
}
