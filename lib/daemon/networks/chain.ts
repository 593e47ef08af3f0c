import { ContainerError, explain } from "../../errors.ts";
import type { Network, PluginConfig } from "./network-list.ts";
import { type PluginSettings, runPlugin } from "./plugin.ts";
import type { PortMapping } from "./ports.ts";

/** A network that a container joins, or has joined. */
export interface Attachment {
  readonly network: Network;
  readonly ifName: string;
  readonly ports: readonly PortMapping[];
  /** What the last plugin has said; undefined before. */
  readonly result?: unknown;
}

/** Whose attachment it is. */
export interface Subject {
  readonly containerId: string;
  /** The path of its namespace; "" when that is gone. */
  readonly netns: string;
}

/** Whether a network can publish ports. */
export function takesPorts({ plugins }: Network): boolean {
  return plugins.some(({ capabilities }) => capabilities?.["portMappings"] === true);
}

/** CNI specification § Attaching: runs each plugin on what those before it have said. @throws {ContainerError} */
export async function addAttachment(
  settings: PluginSettings,
  attachment: Attachment,
  subject: Subject,
): Promise<unknown> {
  const { network, ifName } = attachment;
  let result: unknown;
  for (const plugin of network.plugins) {
    const input = inputOf(attachment, plugin, result);
    const call = { command: "ADD", type: plugin.type, ifName, input, ...subject } as const;
    result = await runPlugin(settings, call);
    if (typeof result !== "object" || result === null) {
      throw new ContainerError("internal", `plugin ${plugin.type} gives no result`);
    }
  }
  return result;
}

/** Those whose plugins are told the result when they delete. */
const WITHOUT_RESULT = ["0.3.0", "0.3.1"];

/**
 * CNI specification § Deleting: runs each plugin, the last one first, and those after one that fails, too. What is not
 * there is no fault to a plugin, so this can be repeated. @throws {ContainerError} with all that has failed
 */
export async function deleteAttachment(
  settings: PluginSettings,
  attachment: Attachment,
  subject: Subject,
): Promise<void> {
  const { network, ifName } = attachment;
  const faults: unknown[] = [];
  const result = WITHOUT_RESULT.includes(network.cniVersion) ? undefined : attachment.result;
  for (const plugin of network.plugins.toReversed()) {
    try {
      const input = inputOf(attachment, plugin, result);
      await runPlugin(settings, { command: "DEL", type: plugin.type, ifName, input, ...subject });
    } catch (error) {
      faults.push(error);
    }
  }
  const [first, ...rest] = faults;
  if (first === undefined) return;
  throw rest.length === 0 ? first : new ContainerError("internal", faults.map(explain).join("; "), { cause: first });
}

/** CNI specification § Deriving execution configuration from plugin configuration. */
function inputOf({ network, ports }: Attachment, plugin: PluginConfig, result: unknown): unknown {
  const { capabilities, ...rest } = plugin;
  const wantsPorts = capabilities?.["portMappings"] === true && ports.length > 0;
  return {
    ...rest,
    ...{ cniVersion: network.cniVersion, name: network.name },
    ...(wantsPorts ? { runtimeConfig: { portMappings: ports } } : {}),
    ...(result === undefined ? {} : { prevResult: result }),
  };
}
