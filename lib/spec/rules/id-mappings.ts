import type { Config, IdMapping } from "../config.ts";
import { namespaceEntry } from "../namespace-entry.ts";
import type { Report, Rule } from "../rule.ts";

/** config-linux.md § User namespace mappings, user_namespaces(7) */
export const idMappingRules: readonly Rule<Config>[] = [
  presence("uidMappings"),
  presence("gidMappings"),
  {
    reads: ["/linux/uidMappings"],
    check: ({ linux }, at, report) => checkRanges(linux?.uidMappings, `${at}/linux/uidMappings`, report),
  },
  {
    reads: ["/linux/gidMappings"],
    check: ({ linux }, at, report) => checkRanges(linux?.gidMappings, `${at}/linux/gidMappings`, report),
  },
  { reads: ["/linux/namespaces", "/linux/uidMappings", "/linux/gidMappings", "/process/user"], check: checkUser },
  {
    reads: ["/mounts"],
    check({ mounts }, at, report) {
      for (const [index, { uidMappings, gidMappings }] of (mounts ?? []).entries()) {
        checkRanges(uidMappings, `${at}/mounts/${index}/uidMappings`, report);
        checkRanges(gidMappings, `${at}/mounts/${index}/gidMappings`, report);
      }
    },
  },
];

function presence(name: "uidMappings" | "gidMappings"): Rule<Config> {
  return {
    reads: ["/linux/namespaces", `/linux/${name}`],
    check(config, at, report) {
      const value = config.linux?.[name];
      const given = value !== undefined && value.length > 0;
      const entry = namespaceEntry(config, "user");
      if (entry === undefined) {
        const problem = 'must be absent unless linux.namespaces has an entry of type "user"';
        if (given) report(`${at}/linux/${name}`, value, problem);
      } else if (entry.path === undefined && !given) {
        const problem = "must have at least one mapping, since a user namespace is to be created";
        report(`${at}/linux/${name}`, value, problem);
      }
    },
  };
}

/** config.md § POSIX-platform User: who is not in the new user namespace cannot be made out of anybody. */
function checkUser(config: Config, at: string, report: Report): void {
  const entry = namespaceEntry(config, "user");
  const user = config.process?.user;
  const { uidMappings = [], gidMappings = [] } = config.linux ?? {};
  if (entry === undefined || entry.path !== undefined || user === undefined) return;
  const check = (id: number, name: "uidMappings" | "gidMappings", mappings: readonly IdMapping[], pointer: string) => {
    for (const { containerID, size } of mappings) if (id >= containerID && id < containerID + size) return;
    // That there are none is another rule's to say.
    if (mappings.length > 0) report(`${at}/process/user/${pointer}`, id, `must be an id that linux.${name} maps`);
  };
  check(user.uid ?? 0, "uidMappings", uidMappings, "uid");
  check(user.gid ?? 0, "gidMappings", gidMappings, "gid");
}

/** user_namespaces(7): what a map file takes is limited to this many lines. */
const MAX_MAPPINGS = 340;
const MAX_IDS = 0xffff_ffff;

function checkRanges(mappings: readonly IdMapping[] | undefined, at: string, report: Report): void {
  if (mappings === undefined) return;
  if (mappings.length > MAX_MAPPINGS) report(at, mappings, `must not have more than ${MAX_MAPPINGS} mappings`);
  for (const [index, { containerID, hostID, size }] of mappings.entries()) {
    const room = MAX_IDS - Math.max(containerID, hostID);
    if (size > room) report(`${at}/${index}/size`, size, `must be at most ${room}, so that no id is above 4294967294`);
  }
}
