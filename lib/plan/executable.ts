import { pointerTo } from "../json-pointer.ts";
import type { Process } from "../spec/config.ts";
import { openInRoot } from "./calls.ts";
import { type Field, orElse, type Purpose, register, type Step, type Struct } from "./step.ts";

/** The name of HOME in an environment, with its equals sign. */
const HOME = "HOME=";
/** The property that names the program. */
const PROGRAM = pointerTo("/process/args", 0);
/** PATH_MAX is the longest directory the kernel could enter. */
const HOME_BYTES = HOME.length + 4096;

/** config.md § Process, `cwd`: made when the image lacks it, as with runc; while the root is still writable. */
export function compileMakeCwd(process: Process): readonly Step[] {
  const purpose: Purpose = {
    doing: `make the working directory ${process.cwd}`,
    from: "/process/cwd",
    path: process.cwd,
  };
  if (process.cwd === "/") return [];
  return [openInRoot({ path: process.cwd, into: "cwd", make: "directory" }, purpose)];
}

/**
 * chdir(2), as root first, because only root may be able to go there, and again as the user where root may not (a
 * filesystem that does not trust the host's root). Where it leads is checked: a descriptor that was open on the host
 * would lead out of the container (CVE-2024-21626).
 */
export function compileCwd(process: Process): { readonly asRoot: readonly Step[]; readonly asUser: readonly Step[] } {
  const purpose: Purpose = {
    doing: `change to the working directory ${process.cwd}`,
    from: "/process/cwd",
    path: process.cwd,
  };
  if (process.cwd === "/") return { asRoot: [], asUser: [] };
  const chdir: Step = { call: "chdir", args: [process.cwd], purpose };
  return {
    asRoot: [{ ...chdir, tolerated: ["EACCES", "EPERM"] }],
    asUser: [
      ...orElse(chdir, ["EACCES", "EPERM"], [{ call: "checkCwd", args: [1], purpose }]),
      { call: "checkCwd", args: [0], refusal: "it is outside of the container's root", purpose },
    ],
  };
}

/** What is needed to run the program: the steps that find it, and the one that becomes it. */
export interface Executable {
  readonly find: readonly Step[];
  readonly execute: Step;
  /** environ(7) of the program; complete when `find` has been run. */
  readonly environment: Struct;
}

/**
 * execve(2) of `args[0]`, looked up in the PATH of the container's environment when it has no slash. A missing HOME
 * comes from the container's /etc/passwd, or is /.
 */
export function compileExecutable(process: Process): Executable {
  const args = process.args ?? [];
  const [name = ""] = args;
  const env = distinct(process.env ?? []);
  const hasHome = env.some((entry) => entry.startsWith(HOME) && entry.length > HOME.length);
  const others = hasHome ? env : env.filter((entry) => !entry.startsWith(HOME));
  const home = homeEntry();
  const environment: Struct = pointerArray(hasHome ? others : [...others, home], others);
  const candidates = name.includes("/") ? [name] : searchPath(others).map((directory) => `${directory}/${name}`);
  return {
    find: [
      ...(hasHome ? [] : findHome(home, process.user?.uid ?? 0)),
      {
        call: "findExecutable",
        args: [{ kind: "strings", values: candidates }],
        into: "executable",
        purpose: { doing: `find executable ${JSON.stringify(name)}`, from: PROGRAM, path: name },
      },
    ],
    execute: {
      call: "execve",
      args: [register("executable"), { kind: "strings", values: args }, environment],
      purpose: executePurpose(name),
    },
    environment,
  };
}

/** The last step of every program, which fails only after `start`. */
export function executePurpose(name: string): Purpose {
  return { doing: `execute ${JSON.stringify(name)}`, from: PROGRAM, path: name };
}

function findHome(home: Struct, uid: number): readonly Step[] {
  const purpose: Purpose = { doing: "find HOME in /etc/passwd", from: "/process/env", path: "/etc/passwd" };
  const value: Field = { kind: "field", of: home, at: HOME.length, name: "HOME" };
  return [
    {
      call: "findHome",
      args: ["/etc/passwd", uid, value, HOME_BYTES - HOME.length],
      // Whatever the image has in its place, the container starts, with / for a home.
      tolerated: ["ENOENT", "ENOTDIR", "EACCES"],
      purpose,
    },
  ];
}

function homeEntry(): Struct {
  const bytes = new Uint8Array(HOME_BYTES);
  bytes.set(new TextEncoder().encode(`${HOME}/`));
  return { kind: "struct", bytes, describe: () => `"${HOME}…"` };
}

/** environ(7) in place: the last value of a name counts, at the place of its first. */
function distinct(env: readonly string[]): readonly string[] {
  const byName = new Map<string, string>();
  for (const entry of env) byName.set(entry.slice(0, entry.indexOf("=")), entry);
  return [...byName.values()];
}

function searchPath(env: readonly string[]): readonly string[] {
  const path = env.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? "";
  return path.split(":").filter((directory) => directory.startsWith("/"));
}

/** A NULL-ended array of pointers to strings or structures. */
function pointerArray(entries: readonly (string | Struct)[], shown: readonly string[]): Struct {
  const pointers = entries.map((entry, index) => ({ at: 8 * index, to: entry }));
  const isComplete = entries.length === shown.length;
  const describe = () =>
    `[${[...shown.map((s) => JSON.stringify(s)), ...(isComplete ? [] : ['"HOME=…"'])].join(", ")}]`;
  return { kind: "struct", bytes: new Uint8Array(8 * (entries.length + 1)), pointers, describe };
}
