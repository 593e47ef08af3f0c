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
  systemdCgroup: boolean("let systemd make the cgroups: a scope for each container"),
  rootless: booleanOrAuto("accepted for runc's sake, without effect: true, false or auto", { label: "WHEN" }),
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
}

/** Absolute path of the state root. @throws {ContainerError} when it is / */
export function stateRoot(flags: Values<typeof globalFlags>, caller: Caller): string {
  const root = flags.root === undefined ? defaultRoot(caller) : absolutePath(caller.cwd, flags.root);
  if (root !== "/") return root;
  throw new ContainerError(
    "invalid_argument",
    "cannot keep the state of containers in /: --root must be a directory of its own",
  );
}

function defaultRoot({ uid, env }: Caller): string {
  const runtimeDir = env["XDG_RUNTIME_DIR"];
  return uid !== 0 && runtimeDir?.startsWith("/") ? `${absolutePath("/", runtimeDir)}/tsrun` : "/run/tsrun";
}
