import type { LinuxResources } from "../spec/resources.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import { findTask } from "./containers.ts";
import { encodeSpec, SPEC_TYPE } from "./create.ts";
import { readSpec } from "./spec/read-spec.ts";
import { type Container, statusOf } from "./tasks.ts";

const RESOURCES_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

/** What of a container can be changed: limits that it may use, and what is said of it. */
export interface ContainerUpdate {
  readonly resources: LinuxResources;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Changes a container: its task first, which may refuse, and then its record, for the tasks that come.
 * @throws {ContainerError}
 */
export async function updateContainer(
  client: Client,
  container: Container,
  { resources, labels }: ContainerUpdate,
): Promise<void> {
  const { id } = container;
  const hasLimits = Object.keys(resources).length > 0;
  if (hasLimits) {
    const status = statusOf(await findTask(client, id));
    const value = new TextEncoder().encode(JSON.stringify(resources));
    const request = { containerId: id, resources: { typeUrl: RESOURCES_TYPE, value } };
    if (status === "running" || status === "paused") await client.call(api.tasks.update, request);
  }
  const spec = hasLimits ? changedSpec(container, resources) : undefined;
  const paths = [...(spec === undefined ? [] : ["spec"]), ...Object.keys(labels).map((key) => `labels.${key}`)];
  const changed = { id, labels, ...(spec === undefined ? {} : { spec }) };
  if (paths.length > 0) await client.call(api.containers.update, { container: changed, updateMask: { paths } });
}

function changedSpec(container: Container, resources: LinuxResources) {
  const spec = readSpec(container);
  if (spec === undefined) return undefined;
  const old = spec.linux?.resources ?? {};
  const merged = Object.fromEntries(
    Object.entries(resources).map(([controller, limits]) => {
      const before = (old as Readonly<Record<string, object | undefined>>)[controller];
      return [controller, { ...before, ...limits }];
    }),
  );
  const linux = { ...spec.linux, resources: { ...old, ...merged } };
  return { typeUrl: container.spec?.typeUrl || SPEC_TYPE, value: encodeSpec({ ...spec, linux }) };
}
