import { ContainerError } from "../../errors.ts";
import type { Clock } from "../clock.ts";
import { type FieldMask, maskMap, unknownField } from "../field-mask.ts";
import { compileFilters, entryOf, type Field, scalar } from "../filter/match.ts";
import { checkLabels, decodeLabels, encodeLabels, type Labels } from "../labels.ts";
import { alreadyExists, checkIdentifier, notFound } from "../names.ts";
import { bytes, type MetadataDatabase, nanoseconds, type Row, text } from "./database.ts";
import type { NamespaceStore } from "./namespaces.ts";
import { ExtensionTable, findTyped, type TypedBytes } from "./typed-bytes.ts";

/** containers.proto: Container, as a client gives it. */
export interface NewContainer {
  readonly id: string;
  readonly image: string;
  readonly runtime: { readonly name: string; readonly options?: TypedBytes | undefined };
  readonly spec: TypedBytes;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly sandbox: string;
  readonly labels: Labels;
  readonly extensions: ReadonlyMap<string, TypedBytes>;
}

/** containers.proto: Container. */
export interface Container extends NewContainer {
  readonly createdNs: bigint;
  readonly updatedNs: bigint;
}

const COLUMNS = [
  ...["id", "image", "runtime", "options_type", "options", "spec_type", "spec", "snapshotter", "snapshot_key"],
  ...["sandbox", "labels", "created_ns", "updated_ns"],
];
/** What a request without a field mask replaces. */
const MUTABLE: FieldMask = ["labels", "spec", "extensions", "image", "snapshotkey"];

/** containers.proto: what a task is made from. */
export class ContainerStore {
  readonly #database: MetadataDatabase;
  readonly #namespaces: NamespaceStore;
  readonly #clock: Clock;
  readonly #extensions: ExtensionTable;

  constructor(database: MetadataDatabase, namespaces: NamespaceStore, clock: Clock) {
    this.#database = database;
    this.#namespaces = namespaces;
    this.#clock = clock;
    this.#extensions = new ExtensionTable(database, "container");
  }

  /** @throws {ContainerError} not_found */
  get(namespace: string, id: string): Container {
    const container = this.find(namespace, id);
    if (container === undefined) throw notFound(`container "${id}" in namespace "${namespace}"`);
    return container;
  }

  find(namespace: string, id: string): Container | undefined {
    const row = this.#database.find("SELECT * FROM containers WHERE namespace = ? AND id = ?", namespace, id);
    return row === undefined ? undefined : this.#toContainer(namespace, row);
  }

  /** Containers in order of their ids, a page at a time. @throws {ContainerError} invalid_argument */
  *walk(namespace: string, filters: readonly string[]): Generator<Container> {
    const matches = compileFilters(filters, fieldOf);
    const sql = "SELECT * FROM containers WHERE namespace = ? AND id > ? ORDER BY id";
    for (const row of this.#database.walk(sql, "id", namespace)) {
      const container = this.#toContainer(namespace, row);
      if (matches(container)) yield container;
    }
  }

  /** @throws {ContainerError} already_exists, invalid_argument */
  create(namespace: string, container: NewContainer): Container {
    const now = this.#clock();
    const made = checked({ ...container, createdNs: now, updatedNs: now });
    return this.#database.write(() => {
      this.#namespaces.ensure(namespace);
      if (this.find(namespace, made.id) !== undefined) throw alreadyExists(`container "${made.id}"`);
      this.#put(namespace, made);
      return made;
    });
  }

  /** @throws {ContainerError} not_found, invalid_argument */
  update(namespace: string, container: NewContainer, mask: FieldMask): Container {
    return this.#database.write(() => {
      const current = this.get(namespace, container.id);
      if (mask.length === 0) checkImmutable(current, container);
      const next = masked(current, container, mask.length === 0 ? MUTABLE : mask);
      const updated = checked({ ...next, updatedNs: this.#clock() });
      this.#put(namespace, updated);
      return updated;
    });
  }

  /** @throws {ContainerError} not_found */
  delete(namespace: string, id: string): void {
    const deleted = this.#database.reclaim(() =>
      this.#database.run("DELETE FROM containers WHERE namespace = ? AND id = ?", namespace, id),
    );
    if (deleted === 0) throw notFound(`container "${id}" in namespace "${namespace}"`);
  }

  #put(namespace: string, container: Container): void {
    const { id, runtime, spec } = container;
    this.#database.run(
      `REPLACE INTO containers (namespace, ${COLUMNS.join(", ")}) VALUES (?${", ?".repeat(COLUMNS.length)})`,
      ...[namespace, id, container.image, runtime.name, runtime.options?.typeUrl ?? null],
      ...[runtime.options?.value ?? null, spec.typeUrl, spec.value],
      ...[container.snapshotter, container.snapshotKey, container.sandbox, encodeLabels(container.labels)],
      ...[container.createdNs, container.updatedNs],
    );
    this.#extensions.put(namespace, id, container.extensions);
  }

  #toContainer(namespace: string, row: Row): Container {
    const id = text(row, "id");
    const name = text(row, "runtime");
    const options = findTyped(row, "options_type", "options");
    return {
      id,
      image: text(row, "image"),
      runtime: options === undefined ? { name } : { name, options },
      spec: { typeUrl: text(row, "spec_type"), value: bytes(row, "spec") },
      snapshotter: text(row, "snapshotter"),
      snapshotKey: text(row, "snapshot_key"),
      sandbox: text(row, "sandbox"),
      labels: decodeLabels(text(row, "labels")),
      extensions: this.#extensions.get(namespace, id),
      createdNs: nanoseconds(row, "created_ns"),
      updatedNs: nanoseconds(row, "updated_ns"),
    };
  }
}

function checkImmutable(current: Container, wanted: NewContainer): void {
  const what = `container "${current.id}"`;
  if (wanted.snapshotter !== current.snapshotter) {
    throw new ContainerError("invalid_argument", `cannot change the snapshotter of ${what}: it is immutable`);
  }
  if (wanted.runtime.name !== current.runtime.name) {
    throw new ContainerError("invalid_argument", `cannot change the runtime of ${what}: it is immutable`);
  }
}

function masked(current: Container, wanted: NewContainer, mask: FieldMask): Container {
  let container = current;
  for (const path of mask) {
    const labels = maskMap("labels", path, { from: container.labels, to: wanted.labels });
    const extensions = maskMap("extensions", path, { from: container.extensions, to: wanted.extensions });
    if (labels !== undefined) container = { ...container, labels };
    else if (extensions !== undefined) container = { ...container, extensions };
    else container = { ...container, ...maskScalar(path, wanted) };
  }
  return container;
}

function maskScalar(path: string, wanted: NewContainer): Partial<NewContainer> {
  switch (path) {
    case "spec":
      return { spec: wanted.spec };
    case "image":
      return { image: wanted.image };
    case "snapshotkey":
      return { snapshotKey: wanted.snapshotKey };
    default:
      throw unknownField(path, `container "${wanted.id}"`);
  }
}

function checked(container: Container): Container {
  checkIdentifier("container id", container.id);
  const wrong = (why: string) => new ContainerError("invalid_argument", `invalid container "${container.id}": ${why}`);
  if (container.runtime.name === "") throw wrong("it has no runtime");
  if (container.spec.typeUrl === "" && container.spec.value.length === 0) throw wrong("it has no spec");
  if (container.snapshotKey !== "" && container.snapshotter === "") throw wrong("a snapshot key needs a snapshotter");
  for (const name of container.extensions.keys()) if (name === "") throw wrong("an extension has no name");
  return { ...container, labels: checkLabels(container.labels) };
}

function fieldOf(container: Container, path: readonly string[]): Field {
  switch (path[0]) {
    case "id":
      return scalar(container.id);
    case "runtime":
      return path[1] === "name" ? scalar(container.runtime.name) : undefined;
    case "image":
      return scalar(container.image);
    case "labels":
      return entryOf(container.labels, path);
    default:
      return undefined;
  }
}
