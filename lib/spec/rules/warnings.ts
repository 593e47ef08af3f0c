import { pointerTo, propertyPath } from "../../json-pointer.ts";
import { isKnownCapability } from "../capability.ts";
import type { Config, Linux, Process } from "../config.ts";
import { namespaceEntry } from "../namespace-entry.ts";

/** What the spec, or runc, lets pass but its author should know. */
export function configWarnings(config: Config): string[] {
  return [
    ...(config.process === undefined ? [] : processWarnings(config.process, "/process")),
    ...mountWarnings(config),
    ...(config.linux === undefined ? [] : linuxWarnings(config, config.linux)),
  ];
}

/** @param at pointer of the process in its document */
export function processWarnings({ capabilities = {} }: Process, at: string): string[] {
  const warnings: string[] = [];
  const seen: string[] = [];
  for (const set of ["bounding", "effective", "inheritable", "permitted", "ambient"] as const) {
    for (const [index, name] of (capabilities[set] ?? []).entries()) {
      if (isKnownCapability(name) || seen.includes(name)) continue;
      seen.push(name);
      const path = propertyPath(pointerTo(`${at}/capabilities/${set}`, index));
      warnings.push(`${path}: ignoring unknown capability "${name}"`);
    }
  }
  return warnings;
}

/** mount(2): flags of the filesystem, which a bind mount shares with its source. */
const OF_FILESYSTEMS: readonly string[] = ["sync", "dirsync", "lazytime", "mand"];

function mountWarnings({ mounts }: Config): string[] {
  const warnings: string[] = [];
  for (const [index, { destination, options = [] }] of (mounts ?? []).entries()) {
    if (!destination.startsWith("/")) {
      const problem = "is relative, which is deprecated; it is taken as relative to /";
      warnings.push(`mounts[${index}].destination: "${destination}" ${problem}`);
    }
    if (!options.includes("bind") && !options.includes("rbind")) continue;
    for (const [place, option] of options.entries()) {
      if (!OF_FILESYSTEMS.includes(option)) continue;
      warnings.push(`mounts[${index}].options[${place}]: "${option}" has no effect on a bind mount`);
    }
  }
  return warnings;
}

function linuxWarnings(config: Config, { personality, resources, seccomp, uidMappings, gidMappings }: Linux): string[] {
  const warnings: string[] = [];
  if (namespaceEntry(config, "user")?.path !== undefined && (uidMappings ?? gidMappings ?? []).length > 0) {
    // runc accepts this from containerd and CRI-O as long as the mappings are those of the namespace.
    warnings.push("linux.uidMappings: a user namespace to join has its mappings already; they must be the same");
  }
  if ((personality?.flags ?? []).length > 0)
    warnings.push("linux.personality.flags: ignoring the flags, none is defined");
  if (resources?.memory?.kernel !== undefined || resources?.memory?.kernelTCP !== undefined) {
    warnings.push("linux.resources.memory: ignoring the obsolete kernel memory limits");
  }
  if (seccomp?.listenerMetadata !== undefined && seccomp.listenerPath === undefined) {
    warnings.push("linux.seccomp.listenerMetadata: ignoring the metadata, there is no listenerPath");
  }
  return warnings;
}
