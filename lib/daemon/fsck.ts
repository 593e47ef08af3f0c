import { statSync } from "node:fs";
import { join } from "node:path";
import { ContainerError, explain } from "../errors.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { Disagreement } from "./disagreement.ts";
import { Store } from "./store.ts";

/** How a store is looked at. */
export interface FsckOptions {
  /** The store's directory. */
  readonly root: string;
  /** Sets right what can be. */
  readonly repair: boolean;
  /** Reads every byte of the content, not just the sizes of files. */
  readonly readAll: boolean;
}

/** Something that is wrong, and what came of it. */
export interface Finding {
  readonly what: string;
  readonly why: string;
  /** `repairable` is what was only looked at; `left` is what somebody has to decide, or could not be set right. */
  readonly outcome: "repairable" | "repaired" | "left";
  /** What was done, what can be done, or why it could not be. */
  readonly detail: string;
}

/**
 * Looks at a store that nobody has open. Without `repair` nothing of it is changed.
 * @throws {ContainerError} not_found for no store; failed_precondition while a process has it open
 */
export async function* fsck(kernel: Kernel, { root, repair, readAll }: FsckOptions): AsyncGenerator<Finding> {
  if (!statSync(join(root, "metadata.db"), { throwIfNoEntry: false })?.isFile()) {
    throw new ContainerError("not_found", `cannot look at ${root}: it has no metadata.db`);
  }
  const warnings: string[] = [];
  let store: Store;
  try {
    store = Store.open(kernel, { root, keepOrphans: true, warn: (error) => warnings.push(explain(error)) });
  } catch (error) {
    if (!(error instanceof ContainerError) || error.code !== "internal") throw error;
    yield { what: "metadata.db", why: explain(error), outcome: "left", detail: "put a copy of it in its place" };
    return;
  }
  await using _store = store;
  // Orphans last: what has lost its record meanwhile has no files any more.
  for await (const found of store.check({ readAll })) yield await settle(found, repair);
  for (const found of store.checkOrphans()) yield await settle(found, repair);
  await store.idle();
  for (const why of warnings) yield { what: root, why, outcome: "left", detail: "" };
}

async function settle({ what, why, repair, remedy = "" }: Disagreement, isWanted: boolean): Promise<Finding> {
  if (repair === undefined) return { what, why, outcome: "left", detail: remedy };
  if (!isWanted) return { what, why, outcome: "repairable", detail: "--repair sets it right" };
  try {
    await repair.run();
    return { what, why, outcome: "repaired", detail: repair.done };
  } catch (error) {
    return { what, why, outcome: "left", detail: explain(error) };
  }
}
