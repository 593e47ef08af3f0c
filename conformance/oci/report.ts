/** What probe.c says of one action; which fields there are depends on the action. */
export interface Line {
  readonly do: string;
  /** 0, or why it did not work. */
  readonly errno: number;
  readonly text?: string;
  readonly names?: readonly string[];
  readonly type?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly major?: number;
  readonly minor?: number;
  readonly target?: string;
  readonly count?: number;
  readonly number?: number;
}

/** probe.c's `self`. */
export interface Self {
  readonly pid: number;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly descriptors: readonly { readonly fd: number; readonly terminal: boolean }[];
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly umask: number;
    readonly groups: readonly number[];
  };
  /** Masks in hexadecimal. */
  readonly capabilities: Readonly<Record<string, string>>;
  readonly rlimits: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
  readonly hostname: string;
  readonly domainname: string;
  readonly machine: string;
  readonly rows: number;
  readonly columns: number;
  readonly memoryPolicy: number;
  readonly memoryNodes: number;
  readonly scheduler: number;
  readonly nice: number;
  readonly ioPriority: number;
  readonly noNewPrivileges: number;
  readonly seccomp: number;
  readonly namespaces: Readonly<Record<string, string>>;
}

/** A line of the file that hooks and the program append to. */
export interface LogLine {
  readonly word: string;
  readonly pid: number;
  readonly stdin?: string;
  /** What the container's process runs. */
  readonly program?: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly namespaces?: Readonly<Record<string, string>>;
  readonly probeAtRoot?: boolean;
}

function parseLines<T>(text: string): readonly T[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => JSON.parse(line) as T);
}

/** What the probe printed: what it says of each action, in the order in which it did them. */
export class Report {
  readonly lines: readonly Line[];

  constructor(text: string) {
    this.lines = parseLines<Line>(text);
  }

  /** What is said of `action`. @throws {Error} if the probe did not come to it */
  of(action: string): Line {
    const found = this.lines.find((line) => line.do === action);
    if (found === undefined) throw new Error(`the probe did not come to ${action}`);
    return found;
  }

  get self(): Self {
    return this.of("self") as unknown as Self;
  }

  /** The text of a file that the probe was to read; "" where it could not. */
  text(path: string): string {
    return this.of(`read:${path}`).text ?? "";
  }

  /** proc_pid_mountinfo(5): the mount at `path`, the topmost; the probe has to have read it. */
  mountAt(path: string): MountLine | undefined {
    return parseMountinfo(this.text("/proc/self/mountinfo")).findLast((mount) => mount.target === path);
  }
}

/** One line of proc_pid_mountinfo(5). */
export interface MountLine {
  readonly root: string;
  readonly target: string;
  readonly options: readonly string[];
  /** `shared:1`, `master:2`, `unbindable`. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** proc_pid_mountinfo(5) */
export function parseMountinfo(text: string): readonly MountLine[] {
  return text
    .split("\n")
    .filter((line) => line.includes(" - "))
    .map((line) => {
      const [before = "", after = ""] = line.split(" - ");
      const [, , , root = "", target = "", options = "", ...propagation] = before.split(" ");
      const [type = "", source = "", superOptions = ""] = after.split(" ");
      return {
        root,
        target,
        options: options.split(","),
        propagation: propagation.filter((word) => word !== ""),
        type,
        source,
        superOptions: superOptions.split(","),
      };
    });
}

/** The lines of the common log. */
export function parseLog(text: string): readonly LogLine[] {
  return parseLines<LogLine>(text);
}
