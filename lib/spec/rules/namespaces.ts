import type { Config, NamespaceType } from "../config.ts";
import { hasNamespace, hasNewNamespace } from "../namespace-entry.ts";
import type { Report, Rule } from "../rule.ts";

/** config-linux.md § Namespaces, and the properties that need one. */
export const namespaceRules: readonly Rule<Config>[] = [
  { reads: ["/linux/namespaces"], check: checkDuplicates },
  needs("/hostname", "uts", (config) => config.hostname),
  needs("/domainname", "uts", (config) => config.domainname),
  needs("/linux/netDevices", "network", (config) => config.linux?.netDevices),
  needs("/linux/rootfsPropagation", "mount", (config) => config.linux?.rootfsPropagation),
  needs("/linux/maskedPaths", "mount", (config) => config.linux?.maskedPaths),
  needs("/linux/readonlyPaths", "mount", (config) => config.linux?.readonlyPaths),
  { reads: ["/linux/namespaces", "/linux/timeOffsets"], check: checkTimeOffsets },
];

function checkDuplicates(config: Config, at: string, report: Report): void {
  const seen: NamespaceType[] = [];
  for (const [index, { type }] of (config.linux?.namespaces ?? []).entries()) {
    if (seen.includes(type)) report(`${at}/linux/namespaces/${index}/type`, type, "must not be listed twice");
    seen.push(type);
  }
}

/** A property that only makes sense, or is only harmless, in a namespace which is not the runtime's; an empty list sets nothing. */
function needs(
  pointer: string,
  type: NamespaceType,
  find: (config: Config) => string | object | undefined,
): Rule<Config> {
  return {
    reads: ["/linux/namespaces", pointer],
    check(config, at, report) {
      const value = find(config);
      if (value === undefined || isEmpty(value) || hasNamespace(config, type)) return;
      report(at + pointer, value, `must be absent unless linux.namespaces has an entry of type "${type}"`);
    },
  };
}

function isEmpty(value: string | object): boolean {
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** time_namespaces(7): the offsets can only be set before the first process is in the namespace. */
function checkTimeOffsets(config: Config, at: string, report: Report): void {
  const value = config.linux?.timeOffsets;
  if (value === undefined || isEmpty(value) || hasNewNamespace(config, "time")) return;
  const problem = 'must be absent unless linux.namespaces has an entry of type "time" without a path';
  report(`${at}/linux/timeOffsets`, value, problem);
}
