import { Database, SQLiteError, type SQLQueryBindings, type Statement } from "bun:sqlite";
import { ContainerError } from "../../errors.ts";
import { Reserve } from "./reserve.ts";
import { MIGRATIONS } from "./schema.ts";

/** A value of a column: integers are bigint. */
export type Column = string | bigint | Uint8Array | null;
/** A row of a result, by its columns. */
export type Row = Readonly<Record<string, Column>>;
type Parameters = readonly (string | number | bigint | Uint8Array | null)[];

/** The name of a database that is in no file. */
const MEMORY = ":memory:";
/** How many rows a walk reads at once; between two pages others may write. */
const PAGE_ROWS = 256;

/**
 * The metadata of everything, in SQLite. Writes are transactions that are on the disk when they return, and synchronous:
 * no other code of this process runs within one. With the write-ahead log readers, of other processes too, never wait.
 */
export class MetadataDatabase implements Disposable {
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();
  readonly #reserve: Reserve | undefined;

  private constructor(database: Database, reserve: Reserve | undefined) {
    this.#database = database;
    this.#reserve = reserve;
  }

  /** Opens the database, made if it is not there. @throws {ContainerError} internal, failed_precondition */
  static open(path: string): MetadataDatabase {
    const database = openFile(path);
    try {
      database.run("PRAGMA journal_mode = WAL");
      database.run("PRAGMA synchronous = FULL");
      database.run("PRAGMA foreign_keys = ON");
      migrate(database, path);
    } catch (error) {
      database.close();
      throw wrapped(error, `open ${path}`);
    }
    return new MetadataDatabase(database, path === MEMORY ? undefined : new Reserve(`${path}.reserve`));
  }

  /** All rows of a query. */
  all(sql: string, ...parameters: Parameters): readonly Row[] {
    return this.#prepared(sql).all(...toBindings(parameters)) as Row[];
  }

  /** The first row of a query. */
  find(sql: string, ...parameters: Parameters): Row | undefined {
    return (this.#prepared(sql).get(...toBindings(parameters)) as Row | null) ?? undefined;
  }

  /**
   * The rows of a query that sorts by a text column and takes what is greater than its last parameter, by pages: memory is
   * bounded, and writes in between neither wait nor disturb.
   */
  *walk(sql: string, column: string, ...parameters: Parameters): Generator<Row> {
    let after = "";
    for (;;) {
      const page = this.all(`${sql} LIMIT ${PAGE_ROWS}`, ...parameters, after);
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_ROWS) return;
      after = text(last, column);
    }
  }

  /** Runs a statement. Returns how many rows it changed. */
  run(sql: string, ...parameters: Parameters): number {
    return this.#prepared(sql).run(...toBindings(parameters)).changes;
  }

  /** The number of the row that was inserted last. */
  lastNumber(): number {
    return integer(this.find("SELECT last_insert_rowid() AS number") ?? {}, "number");
  }

  /** Runs `work` as one transaction: all of it is on the disk when this returns, or nothing. */
  write<T>(work: () => T): T {
    try {
      this.#reserve?.fill();
      return this.#transact(work);
    } catch (error) {
      throw wrapped(error, "write metadata");
    }
  }

  /** Deletes, in one transaction: on a full disk too, by the space that is set aside for that. */
  reclaim<T>(work: () => T): T {
    try {
      return this.#transact(work);
    } catch (error) {
      const isFull = error instanceof SQLiteError && error.code === "SQLITE_FULL";
      if (!isFull || this.#reserve?.release() !== true) throw wrapped(error, "write metadata");
    }
    try {
      return this.#transact(work);
    } catch (error) {
      throw wrapped(error, "write metadata");
    }
  }

  #transact<T>(work: () => T): T {
    return this.#database.transaction(work).immediate();
  }

  /** What `PRAGMA quick_check` finds wrong; empty when nothing is. */
  check(): readonly string[] {
    const found = [...this.all("PRAGMA quick_check"), ...this.all("PRAGMA foreign_key_check")];
    return found.map((row) => Object.values(row).map(String).join(" ")).filter((line) => line !== "ok");
  }

  close(): void {
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function openFile(path: string): Database {
  try {
    return new Database(path, { create: true, safeIntegers: true, strict: true });
  } catch (error) {
    throw wrapped(error, `open ${path}`);
  }
}

function toBindings(parameters: Parameters): SQLQueryBindings[] {
  return parameters as SQLQueryBindings[];
}

function migrate(database: Database, path: string): void {
  const row = database.query("PRAGMA user_version").get() as Record<string, bigint>;
  const version = Number(row["user_version"]);
  if (version > MIGRATIONS.length) {
    const why = `it has version ${version}, this program knows up to ${MIGRATIONS.length}`;
    throw new ContainerError("failed_precondition", `cannot open ${path}: ${why}`);
  }
  MIGRATIONS.slice(version).forEach((sql, index) => {
    database
      .transaction(() => {
        database.run(sql);
        database.run(`PRAGMA user_version = ${version + index + 1}`);
      })
      .immediate();
  });
}

/** A full disk is the caller's business, a damaged file the operator's; both are told by SQLite's code. */
function wrapped(error: unknown, doing: string): unknown {
  if (!(error instanceof SQLiteError)) return error;
  const code = error.code === "SQLITE_FULL" ? "resource_exhausted" : "internal";
  return new ContainerError(code, `cannot ${doing}: ${error.message}${error.code ? ` (${error.code})` : ""}`);
}

/** The text in a column. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`internal error: ${column} is no text`);
  return value;
}

/** The integer in a column that fits a number. */
export function integer(row: Row, column: string): number {
  return Number(nanoseconds(row, column));
}

/** The integer in a column. */
export function nanoseconds(row: Row, column: string): bigint {
  const value = row[column];
  if (typeof value !== "bigint") throw new TypeError(`internal error: ${column} is no integer`);
  return value;
}

/** The bytes in a column. */
export function bytes(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw new TypeError(`internal error: ${column} is no blob`);
  return value;
}
