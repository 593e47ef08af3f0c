import { ContainerError } from "../../errors.ts";
import type { Clock } from "../clock.ts";
import { type FieldMask, maskMap, unknownField } from "../field-mask.ts";
import { compileFilters, entryOf, type Field, scalar } from "../filter/match.ts";
import { checkLabels, decodeLabels, encodeLabels, type Labels } from "../labels.ts";
import { alreadyExists, checkIdentifier, notFound } from "../names.ts";
import { type MetadataDatabase, nanoseconds, type Row, text } from "./database.ts";
import type { NamespaceStore } from "./namespaces.ts";
import { ExtensionTable, findTyped, type TypedBytes } from "./typed-bytes.ts";

/** sandbox.proto: Sandbox, as a client gives it. */
export interface NewSandbox {
  readonly id: string;
  readonly runtime: { readonly name: string; readonly options?: TypedBytes | undefined };
  readonly spec: TypedBytes | undefined;
  readonly labels: Labels;
  readonly extensions: ReadonlyMap<string, TypedBytes>;
  readonly sandboxer: string;
}

/** sandbox.proto: Sandbox. */
export interface Sandbox extends NewSandbox {
  readonly createdNs: bigint;
  readonly updatedNs: bigint;
}

/** What a request without a field mask replaces. */
const MUTABLE: FieldMask = ["labels", "extensions", "spec", "runtime"];

/** sandbox.proto: records of sandboxes, which their clients run. */
export class SandboxStore {
  readonly #database: MetadataDatabase;
  readonly #namespaces: NamespaceStore;
  readonly #clock: Clock;
  readonly #extensions: ExtensionTable;

  constructor(database: MetadataDatabase, namespaces: NamespaceStore, clock: Clock) {
    this.#database = database;
    this.#namespaces = namespaces;
    this.#clock = clock;
    this.#extensions = new ExtensionTable(database, "sandbox");
  }

  /** @throws {ContainerError} not_found */
  get(namespace: string, id: string): Sandbox {
    const sandbox = this.#find(namespace, id);
    if (sandbox === undefined) throw notFound(`sandbox "${id}"`);
    return sandbox;
  }

  /** Sandboxes in order of their ids. @throws {ContainerError} invalid_argument */
  list(namespace: string, filters: readonly string[]): readonly Sandbox[] {
    const matches = compileFilters(filters, fieldOf);
    const rows = this.#database.all("SELECT * FROM sandboxes WHERE namespace = ? ORDER BY id", namespace);
    return rows.map((row) => this.#toSandbox(namespace, row)).filter(matches);
  }

  /** @throws {ContainerError} already_exists, invalid_argument */
  create(namespace: string, sandbox: NewSandbox): Sandbox {
    const now = this.#clock();
    const made = checked({ ...sandbox, createdNs: now, updatedNs: now });
    return this.#database.write(() => {
      this.#namespaces.ensure(namespace);
      if (this.#find(namespace, made.id) !== undefined) throw alreadyExists(`sandbox "${made.id}"`);
      this.#put(namespace, made);
      return made;
    });
  }

  /** @throws {ContainerError} not_found, invalid_argument */
  update(namespace: string, sandbox: NewSandbox, mask: FieldMask): Sandbox {
    return this.#database.write(() => {
      const current = this.get(namespace, sandbox.id);
      if (mask.length === 0 && sandbox.runtime.name !== current.runtime.name) {
        const why = "it is immutable";
        throw new ContainerError("invalid_argument", `cannot change the runtime of sandbox "${sandbox.id}": ${why}`);
      }
      const next = masked(current, sandbox, mask.length === 0 ? MUTABLE : mask);
      const updated = checked({ ...next, updatedNs: this.#clock() });
      this.#put(namespace, updated);
      return updated;
    });
  }

  /** @throws {ContainerError} not_found */
  delete(namespace: string, id: string): void {
    const sql = "DELETE FROM sandboxes WHERE namespace = ? AND id = ?";
    const deleted = this.#database.reclaim(() => this.#database.run(sql, namespace, id));
    if (deleted === 0) throw notFound(`sandbox "${id}"`);
  }

  #find(namespace: string, id: string): Sandbox | undefined {
    const row = this.#database.find("SELECT * FROM sandboxes WHERE namespace = ? AND id = ?", namespace, id);
    return row === undefined ? undefined : this.#toSandbox(namespace, row);
  }

  #put(namespace: string, sandbox: Sandbox): void {
    const { id, runtime, spec } = sandbox;
    this.#database.run(
      "REPLACE INTO sandboxes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      ...[namespace, id, runtime.name, runtime.options?.typeUrl ?? null, runtime.options?.value ?? null],
      ...[spec?.typeUrl ?? null, spec?.value ?? null, sandbox.sandboxer, encodeLabels(sandbox.labels)],
      ...[sandbox.createdNs, sandbox.updatedNs],
    );
    this.#extensions.put(namespace, id, sandbox.extensions);
  }

  #toSandbox(namespace: string, row: Row): Sandbox {
    const id = text(row, "id");
    return {
      id,
      runtime: { name: text(row, "runtime"), options: findTyped(row, "options_type", "options") },
      spec: findTyped(row, "spec_type", "spec"),
      labels: decodeLabels(text(row, "labels")),
      extensions: this.#extensions.get(namespace, id),
      sandboxer: text(row, "sandboxer"),
      createdNs: nanoseconds(row, "created_ns"),
      updatedNs: nanoseconds(row, "updated_ns"),
    };
  }
}

function masked(current: Sandbox, wanted: NewSandbox, mask: FieldMask): Sandbox {
  let sandbox = current;
  for (const path of mask) {
    const labels = maskMap("labels", path, { from: sandbox.labels, to: wanted.labels });
    const extensions = maskMap("extensions", path, { from: sandbox.extensions, to: wanted.extensions });
    if (labels !== undefined) sandbox = { ...sandbox, labels };
    else if (extensions !== undefined) sandbox = { ...sandbox, extensions };
    else if (path === "spec") sandbox = { ...sandbox, spec: wanted.spec };
    else if (path === "runtime") sandbox = { ...sandbox, runtime: wanted.runtime };
    else throw unknownField(path, `sandbox "${wanted.id}"`);
  }
  return sandbox;
}

function checked(sandbox: Sandbox): Sandbox {
  checkIdentifier("sandbox id", sandbox.id);
  for (const name of sandbox.extensions.keys()) {
    if (name !== "") continue;
    throw new ContainerError("invalid_argument", `invalid sandbox "${sandbox.id}": an extension has no name`);
  }
  return { ...sandbox, labels: checkLabels(sandbox.labels) };
}

function fieldOf(sandbox: Sandbox, path: readonly string[]): Field {
  switch (path[0]) {
    case "id":
      return scalar(sandbox.id);
    case "runtime":
      return path[1] === "name" ? scalar(sandbox.runtime.name) : undefined;
    case "labels":
      return entryOf(sandbox.labels, path);
    default:
      return undefined;
  }
}
