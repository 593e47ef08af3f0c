import { ContainerError } from "../errors.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import { type Container, type ContainerStatus, type Process, statusOf } from "./tasks.ts";

/** A container, found by its id, or by the begin of it where that means one alone. @throws {ContainerError} not_found */
export async function findContainer(client: Client, given: string): Promise<Container> {
  try {
    const { container } = await client.call(api.containers.get, { id: given });
    if (container !== null) return container;
  } catch (error) {
    if (!(error instanceof ContainerError) || error.code === "permission_denied" || error.code === "unavailable") {
      throw error;
    }
  }
  const { containers } = await client.call(api.containers.list, {});
  const matches = given === "" ? [] : containers.filter(({ id }) => id.startsWith(given));
  const [container, other] = matches;
  if (container !== undefined && other === undefined) return container;
  const where = `in namespace ${client.scope.namespace}`;
  if (container === undefined) throw new ContainerError("not_found", `there is no container ${given} ${where}`);
  const names = matches.map(({ id }) => id).sort();
  throw new ContainerError(
    "invalid_argument",
    `${given} is the begin of several containers ${where}: ${names.join(", ")}`,
  );
}

/** A container, by its whole id. @throws {ContainerError} not_found */
export async function getContainer(client: Client, id: string): Promise<Container> {
  const { container } = await client.call(api.containers.get, { id });
  if (container !== null) return container;
  throw new ContainerError("internal", `the daemon says nothing of container ${id}`);
}

/** The task of a container; undefined when it has none. */
export async function findTask(client: Client, containerId: string): Promise<Process | undefined> {
  try {
    return (await client.call(api.tasks.get, { containerId })).process ?? undefined;
  } catch (error) {
    if (error instanceof ContainerError && error.code === "not_found") return undefined;
    throw error;
  }
}

/** A container that has one of these statuses. @throws {ContainerError} failed_precondition with `doing` and the status it has */
export async function requireStatus(
  client: Client,
  container: Container,
  { doing, statuses }: { readonly doing: string; readonly statuses: readonly ContainerStatus[] },
): Promise<Process> {
  const task = await findTask(client, container.id);
  const status = statusOf(task);
  if (task !== undefined && statuses.includes(status)) return task;
  const wanted = statuses.join(" or ");
  throw new ContainerError(
    "failed_precondition",
    `cannot ${doing} ${container.id}: it is ${status}, must be ${wanted}`,
  );
}
