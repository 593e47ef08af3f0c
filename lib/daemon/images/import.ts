import { type ImportedArchive, type ImportOptions, importArchive as importInto } from "../../archive/import.ts";
import type { ContentStore } from "../content/content-store.ts";
import type { Scope } from "../names.ts";
import { archiveTarget } from "./archive-store.ts";

/** Writes an archive into the content store. The lease of the scope should hold it until images do. @throws {ContainerError} */
export async function importArchive(
  content: ContentStore,
  scope: Scope,
  chunks: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<ImportedArchive> {
  return await importInto(archiveTarget(content, scope), chunks, options);
}
