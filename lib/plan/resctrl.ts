import { ContainerError } from "../errors.ts";
import type { IntelRdt, Linux } from "../spec/config.ts";
import { makeDirectory, writeFile } from "./calls.ts";
import type { Purpose, Step } from "./step.ts";

/** Resource control as the host has it; gathered when a config asks for it. */
export interface ResctrlHost {
  /** Where resctrl is mounted; absent: nowhere. */
  readonly mountPoint?: string;
  /** The names in `info`: `L3`, `L3CODE`, `L2`, `MB`, `L3_MON` … */
  readonly resources: readonly string[];
  /** What `schemata` of the group says that `closID` names; absent: there is no such group. */
  readonly schemata?: string;
}

/** The group of a container, and what is to be removed with the container. */
export interface ResctrlGroup {
  /** The files that take its tasks. */
  readonly tasks: readonly string[];
  /** That of the schemata, for `update`. */
  readonly schemata: string;
  /** Directories that are the container's own, the innermost first. */
  readonly own: readonly string[];
}

const ROOT_GROUP = "/";

/** config-linux.md § IntelRdt: where the group of a container is. `undefined` for a config without one. */
export function resctrlGroup({ intelRdt }: Linux, host: ResctrlHost | undefined, id: string): ResctrlGroup | undefined {
  if (intelRdt === undefined || host?.mountPoint === undefined) return undefined;
  const { closID, enableMonitoring = false } = intelRdt;
  const directory = closID === ROOT_GROUP ? host.mountPoint : `${host.mountPoint}/${closID ?? id}`;
  const monitoring = `${directory}/mon_groups/${id}`;
  return {
    tasks: [`${directory}/tasks`, ...(enableMonitoring ? [`${monitoring}/tasks`] : [])],
    schemata: `${directory}/schemata`,
    // A group with a name is somebody else's, or for more than one container.
    own: [...(enableMonitoring ? [monitoring] : []), ...(closID === undefined ? [directory] : [])],
  };
}

/**
 * What the host cannot do, and what a group that is there contradicts, in runc's words where it has some.
 * @throws {ContainerError} failed_precondition
 */
export function refuseResctrl(intelRdt: IntelRdt | undefined, host: ResctrlHost | undefined): void {
  if (intelRdt === undefined) return;
  const { closID, l3CacheSchema, memBwSchema, enableMonitoring } = intelRdt;
  const { mountPoint, resources = [], schemata } = host ?? {};
  const has = (prefix: string) => resources.some((name) => name.startsWith(prefix) && !name.endsWith("_MON"));
  const specified = "is specified in config, but";
  if (l3CacheSchema !== undefined && !has("L3")) refuse("l3CacheSchema", `${specified} Intel RDT/CAT is not enabled`);
  if (memBwSchema !== undefined && !has("MB")) refuse("memBwSchema", `${specified} Intel RDT/MBA is not enabled`);
  if (mountPoint === undefined) {
    throw precondition(
      `intelRdt ${specified} Intel RDT is not supported or enabled (linux.intelRdt): resctrl is not mounted`,
    );
  }
  if (enableMonitoring === true && !resources.some((name) => name.endsWith("_MON"))) {
    refuse("enableMonitoring", `${specified} Intel RDT monitoring is not enabled`);
  }
  const wanted = schemataOf(intelRdt);
  if (closID === undefined || closID === ROOT_GROUP) return;
  if (schemata === undefined && wanted.length === 0) {
    refuse("closID", `is ${JSON.stringify(closID)}, but there is no such group, and no schema to make it with`);
  }
  const other = schemata === undefined ? undefined : wanted.find((line) => !hasSchema(schemata, line));
  if (other === undefined) return;
  refuse("closID", `is ${JSON.stringify(closID)}, but that group is there and does not have ${JSON.stringify(other)}`);
}

function refuse(property: keyof IntelRdt, why: string): never {
  throw precondition(`intelRdt.${property} ${why} (linux.intelRdt.${property})`);
}

function precondition(message: string): ContainerError {
  return new ContainerError("failed_precondition", message);
}

/** The lines of a schemata file that a config asks for; with memBwSchema, l3CacheSchema says nothing of bandwidth. */
export function schemataOf({ l3CacheSchema, memBwSchema, schemata = [] }: IntelRdt): readonly string[] {
  const cache = (l3CacheSchema ?? "").split("\n").filter((line) => memBwSchema === undefined || !/^\s*MB:/.test(line));
  const lines = [...cache, ...(memBwSchema ?? "").split("\n"), ...schemata];
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}

/** Whether every domain that a line names has the value it names; masks are numbers in hexadecimal. */
function hasSchema(schemata: string, line: string): boolean {
  const [resource = "", wanted] = parseSchema(line);
  const found = schemata
    .split("\n")
    .map(parseSchema)
    .find(([name]) => name === resource);
  if (found === undefined) return false;
  return [...wanted].every(([domain, value]) => found[1].get(domain) === value);
}

/** `L3:0=ff;1=f` */
function parseSchema(line: string): readonly [resource: string, values: ReadonlyMap<string, string>] {
  const colon = line.indexOf(":");
  const pairs = line
    .slice(colon + 1)
    .split(";")
    .map((pair) => pair.split("=").map((part) => part.trim()));
  const values = pairs.map(([domain = "", value = ""]): [string, string] => [domain, value.replace(/^0+(?=.)/, "")]);
  return [line.slice(0, colon).trim(), new Map(values)];
}

/** Makes the group and joins it: what setup starts from here on is in it. */
export function compileResctrl(
  intelRdt: IntelRdt | undefined,
  host: ResctrlHost | undefined,
  id: string,
): readonly Step[] {
  if (intelRdt === undefined) return [];
  const group = resctrlGroup({ intelRdt }, host, id);
  if (group === undefined) return [];
  const directory = group.schemata.slice(0, group.schemata.lastIndexOf("/"));
  const lines = schemataOf(intelRdt);
  const isThere = host?.schemata !== undefined || intelRdt.closID === ROOT_GROUP;
  const make: Purpose = { doing: `make the resctrl group ${directory}`, from: "/linux/intelRdt", path: directory };
  const set: Purpose = { doing: `set the schemata of ${directory}`, from: "/linux/intelRdt", path: group.schemata };
  const monitoring = group.own.find((path) => path.includes("/mon_groups/"));
  const watch: Purpose = { doing: `make the monitoring group ${monitoring}`, from: "/linux/intelRdt/enableMonitoring" };
  return [
    ...(isThere ? [] : [makeDirectory(directory, make)]),
    ...(lines.length === 0 ? [] : [writeFile(group.schemata, `${lines.join("\n")}\n`, set)]),
    ...(monitoring === undefined ? [] : [makeDirectory(monitoring, watch)]),
    ...joinResctrl(group.tasks),
  ];
}

/** Moves the calling process; its children are born in its group. */
export function joinResctrl(tasks: readonly string[]): readonly Step[] {
  return tasks.map((path) => {
    const purpose: Purpose = { doing: `join the resctrl group of ${path}`, from: "/linux/intelRdt", path };
    return writeFile(path, "0", purpose);
  });
}
