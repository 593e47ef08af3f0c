import { ContainerError } from "../../errors.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import { parseDigest } from "../../image/digest.ts";
import type { Clock } from "../clock.ts";
import { type FieldMask, maskMap, unknownField } from "../field-mask.ts";
import { compileFilters, entryOf, type Field, scalar } from "../filter/match.ts";
import { checkLabels, decodeLabels, encodeLabels, type Labels } from "../labels.ts";
import { alreadyExists, notFound } from "../names.ts";
import { integer, type MetadataDatabase, nanoseconds, type Row, text } from "./database.ts";
import type { NamespaceStore } from "./namespaces.ts";

/** images.proto: Image, as a client gives it. */
export interface NewImage {
  readonly name: string;
  readonly target: Descriptor;
  readonly labels: Labels;
}

/** images.proto: Image. */
export interface Image extends NewImage {
  readonly createdNs: bigint;
  readonly updatedNs: bigint;
}

const COLUMNS = "name, media_type, digest, size, annotations, labels, created_ns, updated_ns";

/** images.proto: names of descriptors. */
export class ImageStore {
  readonly #database: MetadataDatabase;
  readonly #namespaces: NamespaceStore;
  readonly #clock: Clock;

  constructor(database: MetadataDatabase, namespaces: NamespaceStore, clock: Clock) {
    this.#database = database;
    this.#namespaces = namespaces;
    this.#clock = clock;
  }

  /** @throws {ContainerError} not_found */
  get(namespace: string, name: string): Image {
    const image = this.find(namespace, name);
    if (image === undefined) throw notFound(`image "${name}"`);
    return image;
  }

  find(namespace: string, name: string): Image | undefined {
    const row = this.#database.find(`SELECT ${COLUMNS} FROM images WHERE namespace = ? AND name = ?`, namespace, name);
    return row === undefined ? undefined : toImage(row);
  }

  /** Images in order of their names. @throws {ContainerError} invalid_argument */
  list(namespace: string, filters: readonly string[]): readonly Image[] {
    const matches = compileFilters(filters, fieldOf);
    const sql = `SELECT ${COLUMNS} FROM images WHERE namespace = ? ORDER BY name`;
    return this.#database.all(sql, namespace).map(toImage).filter(matches);
  }

  /** @throws {ContainerError} already_exists, invalid_argument */
  create(namespace: string, image: NewImage): Image {
    const now = this.#clock();
    const made = checked({ ...image, createdNs: now, updatedNs: now });
    return this.#database.write(() => {
      this.#namespaces.ensure(namespace);
      if (this.find(namespace, image.name) !== undefined) throw alreadyExists(`image "${image.name}"`);
      this.#database.run(
        `INSERT INTO images (namespace, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[namespace, ...toColumns(made)],
      );
      return made;
    });
  }

  /** @throws {ContainerError} not_found, invalid_argument */
  update(namespace: string, image: NewImage, mask: FieldMask): Image {
    return this.#database.write(() => {
      const current = this.get(namespace, image.name);
      const updated = checked({ ...masked(current, image, mask), updatedNs: this.#clock() });
      this.#database.run(
        `REPLACE INTO images (namespace, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[namespace, ...toColumns(updated)],
      );
      return updated;
    });
  }

  /** @throws {ContainerError} not_found */
  delete(namespace: string, name: string): void {
    const deleted = this.#database.reclaim(() =>
      this.#database.run("DELETE FROM images WHERE namespace = ? AND name = ?", namespace, name),
    );
    if (deleted === 0) throw notFound(`image "${name}"`);
  }
}

function masked(current: Image, wanted: NewImage, mask: FieldMask): Image {
  if (mask.length === 0) return { ...current, ...wanted };
  let image = current;
  for (const path of mask) {
    const labels = maskMap("labels", path, { from: image.labels, to: wanted.labels });
    const annotations = maskMap("annotations", path, {
      from: image.target.annotations,
      to: wanted.target.annotations,
    });
    if (labels !== undefined) image = { ...image, labels };
    else if (annotations !== undefined) image = { ...image, target: { ...image.target, annotations } };
    else if (path === "target") image = { ...image, target: wanted.target };
    else throw unknownField(path, `image "${wanted.name}"`);
  }
  return image;
}

function checked(image: Image): Image {
  const { name, target } = image;
  const wrong = (why: string) => new ContainerError("invalid_argument", `invalid image "${name}": ${why}`);
  if (name === "") throw wrong("it has no name");
  parseDigest(target.digest);
  if (!(target.size > 0)) throw wrong(`the size of its target is ${target.size}, it must be positive`);
  if (target.mediaType === "") throw wrong("its target has no media type");
  return { ...image, labels: checkLabels(image.labels) };
}

function toColumns(image: Image) {
  const { name, target } = image;
  const annotations = encodeLabels(target.annotations);
  const times = [image.createdNs, image.updatedNs] as const;
  return [
    name,
    target.mediaType,
    target.digest,
    target.size,
    annotations,
    encodeLabels(image.labels),
    ...times,
  ] as const;
}

function toImage(row: Row): Image {
  return {
    name: text(row, "name"),
    target: {
      mediaType: text(row, "media_type"),
      digest: text(row, "digest"),
      size: integer(row, "size"),
      annotations: decodeLabels(text(row, "annotations")),
    },
    labels: decodeLabels(text(row, "labels")),
    createdNs: nanoseconds(row, "created_ns"),
    updatedNs: nanoseconds(row, "updated_ns"),
  };
}

function fieldOf(image: Image, path: readonly string[]): Field {
  switch (path[0]) {
    case "name":
      return scalar(image.name);
    case "target":
      if (path[1] === "digest") return image.target.digest;
      return path[1] === "mediatype" ? image.target.mediaType : undefined;
    case "labels":
      return entryOf(image.labels, path);
    case "annotations":
      return entryOf(image.target.annotations, path);
    default:
      return undefined;
  }
}
