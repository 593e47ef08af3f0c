import type { Config, LinuxNamespace, NamespaceType } from "./config.ts";

/** config-linux.md § Namespaces: the entry of a type; undefined when the container shares the runtime's. */
export function namespaceEntry(config: Config, type: NamespaceType): LinuxNamespace | undefined {
  for (const entry of config.linux?.namespaces ?? []) {
    if (entry.type === type) return entry;
  }
  return undefined;
}

/** Whether the container gets or joins a namespace of this type. */
export function hasNamespace(config: Config, type: NamespaceType): boolean {
  return namespaceEntry(config, type) !== undefined;
}

/** Whether the container gets a namespace of this type that did not exist before. */
export function hasNewNamespace(config: Config, type: NamespaceType): boolean {
  const entry = namespaceEntry(config, type);
  return entry !== undefined && entry.path === undefined;
}
