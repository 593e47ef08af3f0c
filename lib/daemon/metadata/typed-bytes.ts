import { bytes, type MetadataDatabase, type Row, text } from "./database.ts";

/** google.protobuf.Any: kept as it came. */
export interface TypedBytes {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** What a row has in the columns `type` and `value`; undefined where they are NULL. */
export function findTyped(row: Row, type: string, value: string): TypedBytes | undefined {
  return row[type] === null ? undefined : { typeUrl: text(row, type), value: bytes(row, value) };
}

/** A record's own values by name, in a table of its kind: namespace, the record's id, name, type, value. */
export class ExtensionTable {
  readonly #database: MetadataDatabase;
  readonly #table: string;
  readonly #owner: string;

  constructor(database: MetadataDatabase, kind: "container" | "sandbox") {
    this.#database = database;
    this.#table = `${kind}_extensions`;
    this.#owner = kind;
  }

  /** In order of their names. */
  get(namespace: string, id: string): ReadonlyMap<string, TypedBytes> {
    const where = `WHERE namespace = ? AND ${this.#owner} = ? ORDER BY name`;
    const rows = this.#database.all(`SELECT name, type, value FROM ${this.#table} ${where}`, namespace, id);
    return new Map(rows.map((row) => [text(row, "name"), { typeUrl: text(row, "type"), value: bytes(row, "value") }]));
  }

  /** Replaces all that the record had. Belongs into the transaction that writes the record. */
  put(namespace: string, id: string, extensions: ReadonlyMap<string, TypedBytes>): void {
    this.#database.run(`DELETE FROM ${this.#table} WHERE namespace = ? AND ${this.#owner} = ?`, namespace, id);
    const sql = `INSERT INTO ${this.#table} VALUES (?, ?, ?, ?, ?)`;
    for (const [name, { typeUrl, value }] of extensions) this.#database.run(sql, namespace, id, name, typeUrl, value);
  }
}
