import { ContainerError } from "../../lib/errors.ts";

/** What `--security-opt` says, all of them together. */
export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** A file, or one of the two words of docker's; undefined: the default one unless the container is privileged. */
  readonly seccomp: "unconfined" | "builtin" | { readonly file: string } | undefined;
  /** Undefined: not said. */
  readonly apparmor: string | undefined;
  /** Paths that are hidden beside those that always are. */
  readonly mask: readonly string[];
  /** Paths that are not hidden or read-only after all; `all` for all of them. */
  readonly unmask: readonly string[] | "all";
}

type Change = (options: SecurityOptions) => SecurityOptions;

const NONE: SecurityOptions = {
  ...{ noNewPrivileges: false, seccomp: undefined, apparmor: undefined },
  ...{ mask: [], unmask: [] },
};

/** docker run --security-opt, and what podman adds to it. @throws {ContainerError} invalid_argument */
export function parseSecurity(entries: readonly string[]): SecurityOptions {
  return entries.reduce((options, entry) => parseEntry(entry)(options), NONE);
}

/** `KEY=VALUE`; the older `KEY:VALUE` means the same. */
function parseEntry(entry: string): Change {
  const [, key = "", , value] = /^([a-z-]*)(?:([=:])(.*))?$/s.exec(entry) ?? [];
  const wrong = (why: string) => new ContainerError("invalid_argument", `--security-opt ${entry}: ${why}`);
  const option = Object.hasOwn(OPTIONS, key) ? OPTIONS[key] : undefined;
  if (option === undefined) throw wrong(`must be one of ${Object.keys(OPTIONS).join(", ")}`);
  const change = option(value);
  if (typeof change === "string") throw wrong(change);
  return change;
}

/** What each key does with its value, or what is wrong with it. */
const OPTIONS: Readonly<Record<string, (value: string | undefined) => Change | string>> = {
  "no-new-privileges": (value = "true") => {
    if (value !== "true" && value !== "false") return "must be true or false";
    return (options) => ({ ...options, noNewPrivileges: value === "true" });
  },
  seccomp: (value = "") => {
    if (value === "") return "must be unconfined, builtin or the file of a profile";
    const seccomp = value === "unconfined" || value === "builtin" ? value : { file: value };
    return (options) => ({ ...options, seccomp });
  },
  apparmor: (value = "") => {
    if (value === "") return "must be unconfined or the name of a profile that is loaded: aa-status lists them";
    return (options) => ({ ...options, apparmor: value });
  },
  label: (value = "") => {
    if (value !== "disable") return "no SELinux labels are set: leave it out, or write label=disable";
    return (options) => options;
  },
  mask: (value = "") => {
    const paths = absolutePaths(value);
    if (paths === undefined) return "must be absolute paths, with colons between them";
    return (options) => ({ ...options, mask: [...options.mask, ...paths] });
  },
  unmask: (value = "") => {
    if (value.toLowerCase() === "all") return (options) => ({ ...options, unmask: "all" });
    const paths = absolutePaths(value);
    if (paths === undefined) return "must be ALL, or absolute paths with colons between them";
    return (options) => ({ ...options, unmask: options.unmask === "all" ? "all" : [...options.unmask, ...paths] });
  },
  systempaths: (value) => {
    if (value !== "unconfined") return "must be unconfined";
    return (options) => ({ ...options, unmask: "all" });
  },
};

function absolutePaths(value: string): readonly string[] | undefined {
  const paths = value.split(":");
  return paths.every((path) => path.startsWith("/")) ? paths : undefined;
}
