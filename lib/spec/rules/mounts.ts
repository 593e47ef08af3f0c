import type { Config, Mount } from "../config.ts";
import { hasNamespace } from "../namespace-entry.ts";
import type { Report, Rule } from "../rule.ts";

/** config.md § Mounts; what the options mean is not looked into, except for the few that decide about another property. */
export const mountRules: readonly Rule<Config>[] = [
  {
    reads: ["/mounts"],
    check({ mounts }, at, report) {
      for (const [index, mount] of (mounts ?? []).entries()) {
        checkMount(mount, `${at}/mounts/${index}`, report);
      }
    },
  },
  {
    reads: ["/mounts", "/linux/namespaces"],
    check(config, at, report) {
      if (hasNamespace(config, "user")) return;
      for (const [index, mount] of (config.mounts ?? []).entries()) {
        checkIdmap(mount, `${at}/mounts/${index}`, report);
      }
    },
  },
];

function checkMount(mount: Mount, at: string, report: Report): void {
  if (isRoot(mount.destination)) {
    report(`${at}/destination`, mount.destination, "must be below /, the root filesystem cannot be mounted over");
  }
  const bind = isBind(mount);
  if (bind && mount.source === undefined) {
    report(`${at}/source`, undefined, "must be a path, since the mount is a bind mount");
  }
  checkMappings(mount, bind, at, report);
}

function checkMappings(mount: Mount, bind: boolean, at: string, report: Report): void {
  if (!bind && isMappedByOption(mount)) {
    report(`${at}/options`, mount.options, '"idmap" and "ridmap" must come with "bind" or "rbind"');
  }
  if (mount.uidMappings === undefined && mount.gidMappings === undefined) return;
  for (const [name, other] of MAPPING_PAIRS) {
    const value = mount[name];
    if (value === undefined || value.length === 0) continue;
    if (!bind) report(`${at}/${name}`, value, "must be absent unless the mount is a bind mount");
    if ((mount[other]?.length ?? 0) > 0) continue;
    report(`${at}/${other}`, mount[other], `must be set together with ${name}`);
  }
}

const MAPPING_PAIRS = [
  ["uidMappings", "gidMappings"],
  ["gidMappings", "uidMappings"],
] as const;

/** config.md § Mounts: without mappings of its own an idmapped mount takes those of the container. */
function checkIdmap(mount: Mount, at: string, report: Report): void {
  const { options, uidMappings, gidMappings } = mount;
  if (!isMappedByOption(mount) || (uidMappings?.length ?? 0) > 0 || (gidMappings?.length ?? 0) > 0) return;
  report(`${at}/options`, options, '"idmap" must come with uidMappings and gidMappings, or with a user namespace');
}

function isMappedByOption({ options = [] }: Mount): boolean {
  return options.includes("idmap") || options.includes("ridmap");
}

function isBind({ type, options }: Mount): boolean {
  return type === "bind" || (options !== undefined && (options.includes("bind") || options.includes("rbind")));
}

function isRoot(destination: string): boolean {
  let depth = 0;
  for (const name of destination.split("/")) {
    if (name === "..") depth -= depth === 0 ? 0 : 1;
    else if (name !== "" && name !== ".") depth++;
  }
  return depth === 0;
}
