import { ContainerError } from "../../errors.ts";
import { type FieldMask, maskMap, unknownField } from "../field-mask.ts";
import { checkLabels, decodeLabels, encodeLabels, type Labels } from "../labels.ts";
import { alreadyExists, checkIdentifier, notFound } from "../names.ts";
import { type MetadataDatabase, text } from "./database.ts";

/** namespace.proto: Namespace. */
export interface Namespace {
  readonly name: string;
  readonly labels: Labels;
}

/** What keeps a namespace from being deleted, and how its message calls it. */
const CONTENTS = [
  ["images", "images"],
  ["blobs", "blobs"],
  ["containers", "containers"],
  ["snapshots", "snapshots"],
  ["leases", "leases"],
  ["ingests", "ingests"],
  ["sandboxes", "sandboxes"],
] as const;

/** namespaces.proto: the namespaces, each a world of names of its own. */
export class NamespaceStore {
  readonly #database: MetadataDatabase;

  constructor(database: MetadataDatabase) {
    this.#database = database;
  }

  /** @throws {ContainerError} not_found */
  get(name: string): Namespace {
    checkIdentifier("namespace", name);
    const row = this.#database.find("SELECT labels FROM namespaces WHERE name = ?", name);
    if (row === undefined) throw notFound(`namespace "${name}"`);
    return { name, labels: decodeLabels(text(row, "labels")) };
  }

  /** The labels of a namespace; none when it does not exist. */
  labelsOf(name: string): Labels {
    const row = this.#database.find("SELECT labels FROM namespaces WHERE name = ?", name);
    return row === undefined ? new Map() : decodeLabels(text(row, "labels"));
  }

  list(): readonly Namespace[] {
    const rows = this.#database.all("SELECT name, labels FROM namespaces ORDER BY name");
    return rows.map((row) => ({ name: text(row, "name"), labels: decodeLabels(text(row, "labels")) }));
  }

  /** @throws {ContainerError} already_exists, invalid_argument */
  create({ name, labels }: Namespace): Namespace {
    checkIdentifier("namespace", name);
    const kept = checkLabels(labels);
    const inserted = this.#database.write(() =>
      this.#database.run("INSERT OR IGNORE INTO namespaces VALUES (?, ?)", name, encodeLabels(kept)),
    );
    if (inserted === 0) throw alreadyExists(`namespace "${name}"`);
    return { name, labels: kept };
  }

  /** Makes a namespace that a write names, if it is not there. To be called in the write's transaction. */
  ensure(name: string): void {
    if (this.#database.find("SELECT 1 FROM namespaces WHERE name = ?", name) !== undefined) return;
    checkIdentifier("namespace", name);
    this.#database.run("INSERT INTO namespaces VALUES (?, '{}')", name);
  }

  /** @throws {ContainerError} not_found, invalid_argument */
  update({ name, labels }: Namespace, mask: FieldMask): Namespace {
    return this.#database.write(() => {
      let next = this.get(name).labels;
      for (const path of mask.length === 0 ? ["labels"] : mask) {
        const masked = maskMap("labels", path, { from: next, to: labels });
        if (masked === undefined) throw unknownField(path, `namespace "${name}"`);
        next = masked;
      }
      const kept = checkLabels(next);
      this.#database.run("UPDATE namespaces SET labels = ? WHERE name = ?", encodeLabels(kept), name);
      return { name, labels: kept };
    });
  }

  /** @throws {ContainerError} not_found, failed_precondition while anything is in it */
  delete(name: string): void {
    this.#database.write(() => {
      this.get(name);
      const left = CONTENTS.filter(([table]) => this.#holds(table, name)).map(([, word]) => word);
      if (left.length > 0) {
        const message = `namespace "${name}" must be empty, but it still has ${left.join(", ")}`;
        throw new ContainerError("failed_precondition", message);
      }
      this.#database.run("DELETE FROM namespaces WHERE name = ?", name);
    });
  }

  #holds(table: string, name: string): boolean {
    return this.#database.find(`SELECT 1 FROM ${table} WHERE namespace = ? LIMIT 1`, name) !== undefined;
  }
}
