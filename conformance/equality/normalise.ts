/** What a text of this run is called in the comparison: the longest text first. */
export type Names = readonly (readonly [text: string, name: string])[];

/** Replaces what differs from run to run by what it stands for. */
export function replaceNames(text: string, names: Names): string {
  const ordered = [...names].filter(([found]) => found !== "").sort(([a], [b]) => b.length - a.length);
  return ordered.reduce((result, [found, name]) => result.replaceAll(found, name), text);
}

/** proc(5) /proc/PID/mountinfo, one line, split. */
interface MountEntry {
  readonly id: string;
  readonly parent: string;
  readonly device: string;
  readonly root: string;
  readonly target: string;
  readonly options: string;
  readonly optional: readonly string[];
  readonly rest: string;
}

function parseMountEntry(line: string): MountEntry | undefined {
  const [head = "", rest = ""] = line.split(" - ");
  const [id = "", parent = "", device = "", root = "", target = "", options = "", ...optional] = head.split(" ");
  return target === "" ? undefined : { id, parent, device, root, target, options, optional, rest };
}

/** Major number 0 belongs to filesystems without a device; their minor numbers are handed out in turn. */
function maskDevice(device: string): string {
  return device.startsWith("0:") ? "0:*" : device;
}

/**
 * Mounts sorted by place, without what is handed out in turn: ids become the parent's place, peer groups lose their
 * numbers. Mounts on one place keep their order.
 */
export function normaliseMountinfo(lines: readonly string[]): readonly string[] {
  const entries = lines.map(parseMountEntry).filter((entry) => entry !== undefined);
  const targets = new Map(entries.map((entry) => [entry.id, entry.target]));
  return entries
    .map((entry, order) => ({ entry, order }))
    .sort((a, b) => compareText(a.entry.target, b.entry.target) || a.order - b.order)
    .map(({ entry }) => {
      const groups = entry.optional.map((field) => field.replace(/:\d+$/, ":*")).join(" ");
      const on = entry.parent === entry.id ? "itself" : (targets.get(entry.parent) ?? "outside");
      return `${entry.target} on ${on}: ${maskDevice(entry.device)} root ${entry.root} ${entry.options} [${groups}] ${entry.rest}`;
    });
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The places of the mounts in the order the kernel lists them. */
export function mountOrder(lines: readonly string[]): readonly string[] {
  return lines.map((line) => parseMountEntry(line)?.target).filter((target) => target !== undefined);
}

/** Names namespaces by whose they are: `known` maps "net:[4026531833]" to a name, the rest are new. */
export function normaliseNamespaces(lines: readonly string[], known: ReadonlyMap<string, string>): readonly string[] {
  return lines.map((line) => `${line.split(":")[0]} ${known.get(line) ?? "new"}`);
}

/** Descriptors without the numbers of pipes, sockets and open files. */
export function normaliseDescriptors(lines: readonly string[]): readonly string[] {
  return lines.map((line) =>
    line.replace(/(pipe|socket|anon_inode):\[\d+\]/, "$1").replace(/\d+\.(stdout|stderr)$/, "$1"),
  );
}

/** proc(5) /proc/PID/status: ids of a pid namespace that is shared with others differ from run to run; 1 is our own. */
export function normaliseStatus(lines: readonly string[]): readonly string[] {
  return lines.map((line) => (/^NS\w+:/.test(line) ? line.replace(/\b([2-9]|[1-9]\d+)\b/g, "*") : line));
}

/** A session keyring is described as "keyring;uid;gid;perm;name". */
export function normaliseKeyring(lines: readonly string[]): readonly string[] {
  return lines.map((line) =>
    line.replace(/^keyring;(\d+);(\d+);([0-9a-f]+);/, "keyring uid $1 gid $2 permissions $3 "),
  );
}

/** One JSON object as "path = value" lines, sorted by path. Not an object: the text itself. */
export function flattenJson(text: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [`not JSON: ${text.trim()}`];
  }
  const lines: string[] = [];
  const walk = (part: unknown, path: string): void => {
    if (typeof part !== "object" || part === null) lines.push(`${path} = ${JSON.stringify(part)}`);
    else for (const [key, child] of Object.entries(part)) walk(child, path === "" ? key : `${path}.${key}`);
  };
  walk(value, "");
  return lines.sort(compareText);
}

const RFC3339_UTC = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

/** Times and pids of a runtime's output; a pid of 0 means "none" and stays. */
export function normaliseState(lines: readonly string[]): readonly string[] {
  return lines.map((line) => line.replace(RFC3339_UTC, "<TIME>").replace(/(\bpid = )[1-9]\d*/, "$1<PID>"));
}

/** A table of `list`: cells by runs of spaces, since the width of a column follows the longest name. */
export function normaliseTable(text: string, pid: number): readonly string[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) =>
      line
        .trimEnd()
        .split(/ {2,}/)
        .map((cell) => (cell === String(pid) ? "<PID>" : cell))
        .join(" | ")
        .replace(RFC3339_UTC, "<TIME>"),
    );
}
