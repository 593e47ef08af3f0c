import type { LogLimits } from "../../lib/client/logs/place.ts";
import { ContainerError } from "../../lib/errors.ts";
import type { Mount, Rlimit } from "../../lib/spec/config.ts";
import { boolean, type Flag, last, path, repeated, text, type Values } from "../flags.ts";
import { signalNumber } from "../runtime/signals.ts";
import { parseSize } from "../size.ts";
import type { CtrContext } from "./context.ts";

/** The options of `run` that say what the container is like. */
export const containerFlags = {
  name: containerName("name of the container, its id (default: a random one)"),
  env: repeated("set a variable: NAME=value, or NAME for the value it has here", { short: "e" }),
  envFile: path("file with a variable a line", { label: "FILE" }),
  volume: repeated("mount a directory or file, or a volume by its name: SOURCE:TARGET[:ro], NAME:TARGET[:ro]", {
    short: "v",
  }),
  mount: repeated("mount something: type=bind|volume|tmpfs,source=SOURCE,target=TARGET[,readonly][,…]", {
    label: "MOUNT",
  }),
  tmpfs: repeated("mount an empty tmpfs: TARGET[:OPTIONS]"),
  publish: repeated("publish a port: [HOST-IP:]HOST-PORT:PORT[/tcp|udp]", { short: "p" }),
  net: text("none (the default), host, or a network of the daemon such as bridge", { label: "NETWORK" }),
  network: text("as --net", { label: "NETWORK", hidden: true }),
  dns: repeated("address of a name server, in place of those of the network", { label: "ADDRESS" }),
  dnsSearch: repeated("domain to look for names in", { label: "DOMAIN" }),
  dnsOption: repeated("option of resolv.conf, e.g. ndots:2", { label: "OPTION" }),
  addHost: repeated("line of /etc/hosts: NAME:ADDRESS", { label: "HOST" }),
  memory: size("limit of memory, e.g. 64m", { short: "m" }),
  memorySwap: size("limit of memory and swap together, or -1 for none", {}),
  memoryReservation: size("memory that is left to it when memory is short", {}),
  cpus: positive("processors' worth of time, e.g. 1.5"),
  cpuShares: integer("processor time relative to other containers"),
  cpusetCpus: text("processors to use, e.g. 0-3,7", { label: "LIST" }),
  cpusetMems: text("memory nodes to use, e.g. 0,1", { label: "LIST" }),
  blkioWeight: integer("share of the disks' time relative to other containers: 10 to 1000"),
  pidsLimit: integer("how many processes and threads there may be; 0 or -1 for no limit"),
  oomScoreAdj: integer("how early it goes when memory has run out: -1000 to 1000"),
  cgroupParent: text("cgroup in which that of the container is made", { label: "PATH" }),
  shmSize: size("size of /dev/shm (default: 64m)", {}),
  user: text("run as user[:group], by name or id", { short: "u", label: "USER" }),
  groupAdd: repeated("one more group of the user, by its id", { label: "GID" }),
  workdir: absolute("working directory of the program", { short: "w" }),
  hostname: text("host name of the container (default: its name)", { label: "NAME" }),
  domainname: text("NIS domain name of the container", { label: "NAME" }),
  entrypoint: text("program in place of the image's", { label: "PROGRAM" }),
  init: boolean("a small init of the host (catatonit, tini) starts the program, passes signals on and reaps"),
  label: repeated("label of the container: KEY=value", { short: "l" }),
  labelFile: path("file with a label a line", { label: "FILE" }),
  annotation: repeated("annotation of the container's config: KEY=value", { label: "ANNOTATION" }),
  capAdd: repeated("add a capability, or ALL"),
  capDrop: repeated("drop a capability, or ALL"),
  privileged: boolean("with all capabilities and devices of the host, nothing masked and no call filtered"),
  device: repeated("give a device of the host: PATH[:PATH-INSIDE][:rwm]; a directory for all in it", {
    label: "DEVICE",
  }),
  securityOpt: repeated(
    "no-new-privileges, seccomp=FILE (a profile of docker's or of config.json) or seccomp=unconfined, apparmor=PROFILE (none if not given), " +
      "mask=PATH, unmask=PATH or unmask=ALL",
    { label: "OPTION" },
  ),
  readOnly: boolean("mount the root read-only"),
  noNewPrivileges: boolean("no program gains privileges, setuid ones neither"),
  ulimit: repeated("limit of a resource: nofile=SOFT[:HARD]"),
  sysctl: repeated("kernel parameter of the container's namespaces: KEY=value"),
  pid: text("host: share the host's processes", { label: "host" }),
  ipc: text("host: share the host's IPC and /dev/shm", { label: "host" }),
  uts: text("host: share the host's names", { label: "host" }),
  cgroupns: text("host: see the host's cgroups", { label: "host" }),
  userns: text("host, as it is anyway: users are those of the host", { label: "host", hidden: true }),
  stopSignal: signalName("the signal that tsctr stop sends, instead of the image's"),
  stopTimeout: integer("seconds that tsctr stop waits before SIGKILL (default: 10)"),
  logOpt: repeated("of the log in the background: max-size=SIZE, e.g. 10m, and max-file=COUNT", { label: "OPTION" }),
  restart: text("no, always, unless-stopped or on-failure[:N]: by the daemon's restart monitor", { label: "POLICY" }),
  cidfile: path("file to write the id to, which must not be there", { label: "FILE" }),
  platform: text("platform of the image, if it has several, e.g. linux/arm64", { label: "PLATFORM" }),
  snapshotter: text("snapshotter of the root (default: overlayfs)", { label: "NAME" }),
  runtime: text("runtime (default: io.containerd.runc.v2; tsrund runs its own for it)", { label: "NAME" }),
};

export type ContainerFlags = Values<typeof containerFlags>;

/** containerd's rule. */
const NAME = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/;
const MAX_NAME_CHARS = 76;

function containerName(summary: string): Flag<string | undefined> {
  const parse = (texts: readonly string[]) => {
    const given = last(texts);
    if (given === undefined || (NAME.test(given) && given.length <= MAX_NAME_CHARS)) return given;
    throw new TypeError(
      `must be letters and digits, separated by single characters of . _ -, ${MAX_NAME_CHARS} at most`,
    );
  };
  return { summary, kind: "text", label: "NAME", parse };
}

function absolute(summary: string, options: { readonly short?: string }): Flag<string | undefined> {
  const parse = (texts: readonly string[]) => {
    const given = last(texts);
    if (given === undefined || given.startsWith("/")) return given;
    throw new TypeError("must be an absolute path in the container");
  };
  return { summary, kind: "text", label: "DIR", ...options, parse };
}

function size(summary: string, options: { readonly short?: string }): Flag<number | undefined> {
  const parse = (texts: readonly string[]) => {
    const given = last(texts);
    return given === undefined ? undefined : parseSize(given);
  };
  return { summary, kind: "text", label: "SIZE", ...options, parse };
}

function signalName(summary: string): Flag<string | undefined> {
  const parse = (texts: readonly string[]) => {
    const given = last(texts);
    if (given === undefined || signalNumber(given) !== undefined) return given;
    throw new TypeError("must be the name or the number of a signal");
  };
  return { summary, kind: "text", label: "SIGNAL", parse };
}

function integer(summary: string): Flag<number | undefined> {
  return number(summary, /^-?\d{1,15}$/, "a whole number");
}

function positive(summary: string): Flag<number | undefined> {
  return number(summary, /^(?=.*[1-9])(?:\d{1,6}(?:\.\d+)?|\.\d+)$/, "a number above 0");
}

function number(summary: string, pattern: RegExp, must: string): Flag<number | undefined> {
  const parse = (texts: readonly string[]) => {
    const given = last(texts);
    if (given === undefined || pattern.test(given)) return given === undefined ? undefined : Number(given);
    throw new TypeError(`must be ${must}`);
  };
  return { summary, kind: "number", parse };
}

/** `NAME=value` as it is; `NAME` with the caller's value, left out where there is none. */
export function resolveEnv(
  entries: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  return entries.flatMap((entry) => {
    if (entry.startsWith("=") || entry === "") throw invalid(`--env ${entry}`, "must be NAME=value or NAME");
    if (entry.includes("=")) return [entry];
    const value = env[entry];
    return value === undefined ? [] : [`${entry}=${value}`];
  });
}

/** execve(2) takes no more either. */
const MAX_ENV_BYTES = 4 * 1024 * 1024;

/** What `--env-file` and `--env` say, in this order. @throws {ContainerError} */
export async function readEnv(
  context: CtrContext,
  flags: { readonly env: readonly string[]; readonly envFile: string | undefined },
): Promise<readonly string[]> {
  if (flags.envFile === undefined) return resolveEnv(flags.env, context.env);
  const { readFlagFile } = await import("./flag-file.ts");
  const file = readFlagFile(context, { option: "env-file", file: flags.envFile, maxBytes: MAX_ENV_BYTES });
  return resolveEnv([...parseEnvFile(file), ...flags.env], context.env);
}

/** A file of variables, a line each; `#` begins a remark. */
export function parseEnvFile(content: string): readonly string[] {
  return content.split("\n").flatMap((line) => {
    const entry = line.replace(/\r$/, "").trimStart();
    return entry === "" || entry.startsWith("#") ? [] : [entry];
  });
}

/** `KEY=value`, or `KEY` with an empty one. */
export function parsePairs(option: string, entries: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entries.map((entry) => {
      const equals = entry.indexOf("=");
      if (equals === 0 || entry === "") throw invalid(`--${option} ${entry}`, "must be KEY=value");
      return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

/** `TARGET[:OPTIONS]` @throws {ContainerError} */
export function parseTmpfs(given: string): Mount {
  const colon = given.indexOf(":");
  const [destination, options] = colon < 0 ? [given, ""] : [given.slice(0, colon), given.slice(colon + 1)];
  if (!destination.startsWith("/")) throw invalid(`--tmpfs ${given}`, "its target must be absolute");
  const own = options === "" ? [] : options.split(",");
  return { destination, type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "noexec", ...own] };
}

/** `nofile=1024:2048` @throws {ContainerError} */
export function parseUlimit(given: string): Rlimit {
  const [, name = "", soft = "", hard = soft] =
    /^([a-z]+)=(-?\d{1,15}|unlimited)(?::(-?\d{1,15}|unlimited))?$/.exec(given) ?? [];
  if (name === "") throw invalid(`--ulimit ${given}`, "must be like nofile=1024:2048");
  const type = RLIMITS.find((each) => each === `RLIMIT_${name.toUpperCase()}`);
  if (type === undefined) {
    throw invalid(
      `--ulimit ${given}`,
      `must be one of ${RLIMITS.map((each) => each.slice(7).toLowerCase()).join(", ")}`,
    );
  }
  const [low = 0, high = 0] = [soft, hard].map((each) => (/^(?:unlimited|-1)$/.test(each) ? UNLIMITED : Number(each)));
  if (low > high) throw invalid(`--ulimit ${given}`, "the first limit must not be above the second");
  return { type, soft: low, hard: high };
}

/** config.md § POSIX process, rlimits. */
const RLIMITS: readonly Rlimit["type"][] = [
  ...(["RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_LOCKS"] as const),
  ...(["RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_RSS"] as const),
  ...(["RLIMIT_RTPRIO", "RLIMIT_RTTIME", "RLIMIT_SIGPENDING", "RLIMIT_STACK"] as const),
];

/** RLIM_INFINITY, as near as a JSON number comes. */
const UNLIMITED = 2 ** 64;

/** docker run --log-opt, of its json-file driver. @throws {ContainerError} */
export function parseLogOptions(entries: readonly string[]): LogLimits {
  const { "max-size": maxSize, "max-file": maxFile, ...others } = parsePairs("log-opt", entries);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`--log-opt ${unknown}`, "must be max-size or max-file");
  if (maxFile !== undefined && !/^[1-9]\d{0,2}$/.test(maxFile))
    throw invalid(`--log-opt max-file=${maxFile}`, "must be 1 to 999");
  if (maxFile !== undefined && maxSize === undefined)
    throw invalid("--log-opt max-file", "needs max-size, at which files are full");
  if (maxSize !== undefined && !/^[1-9]\d{0,11}[kmg]?$/i.test(maxSize)) {
    throw invalid(`--log-opt max-size=${maxSize}`, "must be a size such as 10m");
  }
  return { maxSize, maxFile: maxFile === undefined ? undefined : Number(maxFile) };
}

/** restart.go of containerd: labels by which its restart monitor knows what to do. @throws {ContainerError} */
export function restartLabels(policy: string | undefined): Readonly<Record<string, string>> {
  if (policy === undefined || policy === "no") return {};
  if (!/^(?:always|unless-stopped|on-failure(?::\d{1,6})?)$/.test(policy)) {
    throw invalid(`--restart ${policy}`, "must be no, always, unless-stopped or on-failure[:N]");
  }
  return { "containerd.io/restart.status": "running", "containerd.io/restart.policy": policy };
}

function invalid(what: string, why: string): ContainerError {
  return new ContainerError("invalid_argument", `${what}: ${why}`);
}
