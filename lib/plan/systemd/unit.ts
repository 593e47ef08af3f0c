import { ContainerError } from "../../errors.ts";

/** systemd.unit(5): the unit that a container is. */
export interface ScopeName {
  /** `system.slice` */
  readonly slice: string;
  /** `docker-4f1c.scope` */
  readonly name: string;
  /** Where its cgroup is, below the manager's: `/system.slice/docker-4f1c.scope`. */
  readonly path: string;
}

const SLICE = ".slice";
/** systemd.unit(5), with the suffix. */
const MAX_NAME_BYTES = 255;
const PREFIX = "tsrun";

/**
 * `linux.cgroupsPath` as `slice:prefix:name`, which is what it means to the systemd driver: the scope `prefix-name` in
 * that slice. Without a slice the default one, without a path a scope named after the container.
 * @throws {ContainerError} invalid_argument
 */
export function scopeName(cgroupsPath: string, id: string, defaultSlice: string): ScopeName {
  const parts = cgroupsPath === "" ? ["", PREFIX, id] : cgroupsPath.split(":");
  const [slice = "", prefix = "", given = ""] = parts;
  if (parts.length !== 3) {
    throw invalid(`must have the form "slice:prefix:name" with --systemd-cgroup, got ${JSON.stringify(cgroupsPath)}`);
  }
  if (given === "") throw invalid(`has no name in ${JSON.stringify(cgroupsPath)}`);
  if (given.endsWith(SLICE)) {
    throw invalid(`names the slice ${given}, and a slice holds no processes: give the name of a scope`);
  }
  const name = `${prefix}-${given}.scope`;
  if (!/^[A-Za-z0-9:_.\\@-]+$/.test(name)) {
    throw invalid(`gives the unit name ${JSON.stringify(name)}: must have letters, digits and :-_.\\@ only`);
  }
  if (name.length > MAX_NAME_BYTES) throw invalid(`gives a unit name of ${name.length} bytes: must have at most 255`);
  const full = slice === "" ? defaultSlice : slice;
  return { slice: full === "-" ? "-.slice" : full, name, path: `${sliceDirectory(full)}/${name}` };
}

/**
 * systemd.slice(5): the directory of a slice, whose dashes are levels: `a-b.slice` is `/a.slice/a-b.slice`. The root
 * slice, `-`, is "".
 * @throws {ContainerError} invalid_argument
 */
export function sliceDirectory(slice: string): string {
  if (slice === "-" || slice === `-${SLICE}`) return "";
  const stem = slice.slice(0, -SLICE.length);
  const levels = stem.split("-");
  const isName = slice.endsWith(SLICE) && /^[A-Za-z0-9:_.\\@-]+$/.test(stem) && slice.length <= MAX_NAME_BYTES;
  if (!isName || levels.includes("")) {
    const example = "a name such as machine.slice or user-1000.slice";
    throw invalid(`has the slice ${JSON.stringify(slice)}: must be ${example}`);
  }
  return levels.map((_, index) => `/${levels.slice(0, index + 1).join("-")}${SLICE}`).join("");
}

function invalid(why: string): ContainerError {
  return new ContainerError("invalid_argument", `invalid configuration: linux.cgroupsPath ${why}`);
}
