import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { namesIn } from "../files.ts";
import type { Attachment } from "./chain.ts";

/** What was made for a container, or was about to be: all there is to undo. */
export interface NetworkRecord {
  readonly namespace: string;
  readonly id: string;
  /** Those whose plugins have been run, or are about to be. */
  readonly attachments: readonly Attachment[];
}

/** The container that networks are for. */
export type Owner = Pick<NetworkRecord, "namespace" | "id">;

const SUFFIX = ".json";
/** Of a record that is not written to its end. */
const FRESH = ".new";

/** The records of networks, a file for each container. They outlive the machine's end: so do leases of addresses. */
export class NetworkRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Writes a record, which is on the disk when this returns. */
  put(record: NetworkRecord): void {
    const path = this.#path(record);
    const parent = join(path, "..");
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    const fresh = `${path}${FRESH}`;
    const file = openSync(fresh, "w", 0o600);
    try {
      writeSync(file, JSON.stringify(record));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, path);
    syncDirectory(parent);
  }

  remove(record: Owner): void {
    rmSync(this.#path(record), { force: true });
  }

  /** All records; what was being written is removed. A file that holds none, which a crash cannot leave, is told and stays. */
  list(warn: (message: string) => void): readonly NetworkRecord[] {
    return namesIn(this.#directory).flatMap((namespace) =>
      this.#filesOf(namespace)
        .filter((name) => name.endsWith(SUFFIX))
        .flatMap((name) => {
          const id = name.slice(0, -SUFFIX.length);
          const record = parseRecord(readFileSync(this.#path({ namespace, id }), "utf8"), { namespace, id });
          if (record === undefined) warn(`cannot understand the record of the networks of ${id}: it is left as it is`);
          return record ?? [];
        }),
    );
  }

  #filesOf(namespace: string): readonly string[] {
    const directory = join(this.#directory, namespace);
    const names = namesIn(directory);
    for (const name of names) if (name.endsWith(SUFFIX + FRESH)) rmSync(join(directory, name), { force: true });
    return names;
  }

  #path({ namespace, id }: Owner): string {
    return join(this.#directory, namespace, `${id}${SUFFIX}`);
  }
}

/** Written by put(): what is checked is that it is whole. */
function parseRecord(text: string, { namespace, id }: Owner): NetworkRecord | undefined {
  try {
    const record = JSON.parse(text) as NetworkRecord;
    return record.namespace === namespace && record.id === id && Array.isArray(record.attachments) ? record : undefined;
  } catch {
    return undefined;
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
