import { ContainerStore } from "../daemon/metadata/containers.ts";
import { MetadataDatabase } from "../daemon/metadata/database.ts";
import { ImageStore } from "../daemon/metadata/images.ts";
import { LeaseStore } from "../daemon/metadata/leases.ts";
import { NamespaceStore } from "../daemon/metadata/namespaces.ts";
import { ContainerError, type ErrorCode } from "../errors.ts";

/** For tests: the metadata stores on a database in memory, with a clock that counts. */
export function memoryStores() {
  const database = MetadataDatabase.open(":memory:");
  let time = 0n;
  const clock = () => ++time;
  const namespaces = new NamespaceStore(database);
  return {
    database,
    clock,
    namespaces,
    images: new ImageStore(database, namespaces, clock),
    containers: new ContainerStore(database, namespaces, clock),
    leases: new LeaseStore(database, namespaces, clock),
  };
}

/** The code and message of the error that some work ends in; `none` when it succeeds. */
export async function refusal(work: () => unknown): Promise<`${ErrorCode | "none" | "other"}: ${string}`> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ContainerError) return `${error.code}: ${error.message}`;
    return `other: ${String(error)}`;
  }
  return "none: ";
}
