import { ContainerError } from "../../lib/errors.ts";
import { boolean, type Flag, last, oneOf, parseBoolean, path, text, type Values } from "../flags.ts";
import { absolutePath } from "../path.ts";

/** The options in front of the command. */
export const globalFlags = {
  root: path("directory that holds the state of containers (default: /run/tsrun, or $XDG_RUNTIME_DIR/tsrun)", {
    label: "DIR",
  }),
  log: path("file to append messages to; errors go to standard error as well", { label: "FILE" }),
  logFormat: oneOf(["text", "json"], "how to write messages", { label: "FORMAT" }),
  debug: boolean("write debug messages too"),
  timings: boolean("write to standard error where the time goes; as JSON with --log-format json"),
  systemdCgroup: boolean("let systemd make the cgroups: a scope for each container"),
  rootless: booleanOrAuto(
    "do without cgroups that cannot be made: true, false, or auto, for whoever is not the host's root",
    { label: "WHEN" },
  ),
  criu: text("obsolete: path of criu", { hidden: true }),
  version: boolean("print the version", { short: "v" }),
};

function booleanOrAuto(summary: string, options: { readonly label: string }): Flag<boolean | "auto"> {
  return {
    summary,
    kind: "text",
    defaultText: "auto",
    ...options,
    parse(texts) {
      const given = last(texts) ?? "auto";
      return given === "auto" || given === "" ? "auto" : parseBoolean(given);
    },
  };
}

/** The caller, as far as the default state root depends on it. */
export interface Caller {
  readonly cwd: string;
  readonly uid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** user_namespaces(7): whether the caller's root, if it is that, is not the host's. */
  readonly isInUserNamespace: () => boolean;
}

/** Where the state of containers is kept. */
export interface StateRoot {
  /** Absolute path. */
  readonly root: string;
  /** Below XDG_RUNTIME_DIR, where only what is sticky is safe from being cleaned up. */
  readonly keepRoot: boolean;
}

/** The state root. @throws {ContainerError} when it is / */
export function stateRoot(flags: Values<typeof globalFlags>, caller: Caller): StateRoot {
  if (flags.root === undefined) return defaultRoot(caller);
  const root = absolutePath(caller.cwd, flags.root);
  if (root !== "/") return { root, keepRoot: false };
  throw new ContainerError(
    "invalid_argument",
    "cannot keep the state of containers in /: --root must be a directory of its own",
  );
}

/** As runc: XDG_RUNTIME_DIR counts for ordinary users, and for the root of a user namespace that is not called root. */
function defaultRoot({ uid, env, isInUserNamespace }: Caller): StateRoot {
  const runtimeDir = env["XDG_RUNTIME_DIR"];
  const counts = runtimeDir?.startsWith("/") && (uid !== 0 || (env["USER"] !== "root" && isInUserNamespace()));
  if (runtimeDir === undefined || !counts) return { root: "/run/tsrun", keepRoot: false };
  return { root: `${absolutePath("/", runtimeDir)}/tsrun`, keepRoot: true };
}
