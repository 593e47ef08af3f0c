import { type Creation, STOP_SIGNAL_LABEL } from "../../lib/client/create.ts";
import type { HostDevices } from "../../lib/client/devices.ts";
import { DEFAULT_SNAPSHOTTER } from "../../lib/client/images/snapshots.ts";
import { chooseCapabilities } from "../../lib/client/spec/capabilities.ts";
import { type ContainerRequest, makeSpec } from "../../lib/client/spec/container-spec.ts";
import { ContainerError } from "../../lib/errors.ts";
import { filesystemOf, findText } from "../../lib/linux/files.ts";
import type { Mount } from "../../lib/spec/config.ts";
import { AdvisedError } from "./advice.ts";
import type { CtrContext } from "./context.ts";
import { parseDevice } from "./device-flag.ts";
import { chooseMounts } from "./mounts.ts";
import { type ContainerFlags, parsePairs, parseUlimit, readEnv, restartLabels } from "./run-flags.ts";
import { chooseConfinement } from "./security.ts";

/** statfs(2): the type of a cgroup v2 hierarchy. */
const CGROUP2_SUPER_MAGIC = 0x63677270;

/** What every containerd runs; tsrund runs its own for it. */
const DEFAULT_RUNTIME = "io.containerd.runc.v2";
const ID_DIGITS = 12;

/** What the labels of tsrund's networks are called: lib/daemon/networks. */
const NETWORK_LABEL = "tsrun.dev/network";
const PORTS_LABEL = "tsrun.dev/ports";
const DEFAULT_NETWORK = "bridge";

/** proc(5): who has the host's network answers to its name, too. */
const HOSTNAME = "/proc/sys/kernel/hostname";

/** What else makes a container of the options. */
export interface Given {
  readonly image: string;
  readonly command: readonly string[];
  readonly terminal: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** A container as the options and arguments of `run` want it. @throws {ContainerError} invalid_argument */
export async function toCreation(context: CtrContext, flags: ContainerFlags, given: Given): Promise<Creation> {
  const id = flags.name ?? randomId();
  const { mounts, volumes } = await chooseMounts(context, flags);
  const request = await toRequest(context, flags, { ...given, id, mounts });
  return {
    volumes,
    ...{ id, image: given.image, user: flags.user },
    snapshotter: flags.snapshotter ?? DEFAULT_SNAPSHOTTER,
    runtime: flags.runtime ?? DEFAULT_RUNTIME,
    spec: (image, user) => makeSpec(request, image, user),
    labels: {
      ...parsePairs("label", flags.label),
      ...restartLabels(flags.restart),
      ...networkLabels(flags),
      ...(flags.stopSignal === undefined ? {} : { [STOP_SIGNAL_LABEL]: flags.stopSignal }),
      ...given.labels,
    },
  };
}

/** The id of a container that is given no name. */
export function randomId(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, ID_DIGITS);
}

async function toRequest(
  context: CtrContext,
  flags: ContainerFlags,
  { id, command, terminal, mounts }: Given & { readonly id: string; readonly mounts: readonly Mount[] },
): Promise<ContainerRequest> {
  const { kernel, namespace } = context;
  const { privileged, entrypoint } = flags;
  const bounding = boundingSet(kernel);
  const capabilities = chooseCapabilities({ add: flags.capAdd, drop: flags.capDrop, privileged, bounding });
  const confinement = await chooseConfinement(context, flags.securityOpt, { privileged, capabilities });
  if (flags.pid !== undefined && flags.pid !== "host") throw invalid(`--pid ${flags.pid}`, "must be host");
  return {
    ...{ id, namespace, command, terminal, privileged, readOnly: flags.readOnly },
    entrypoint: entrypoint === undefined ? undefined : entrypoint === "" ? [] : [entrypoint],
    env: readEnv(context, flags),
    workingDir: flags.workdir,
    hostname: flags.hostname ?? (flags.net === "host" ? findText(kernel, HOSTNAME)?.trim() : undefined),
    ...confinement,
    capabilities,
    noNewPrivileges: flags.noNewPrivileges || confinement.noNewPrivileges,
    devices: await chooseDevices(context, flags),
    mounts: [...(flags.net === "host" ? hostNetworkFiles(context) : []), ...mounts],
    rlimits: flags.ulimit.map(parseUlimit),
    memoryBytes: flags.memory,
    shmBytes: flags.shmSize,
    ...{ cpus: flags.cpus, cpuShares: flags.cpuShares, cpusetCpus: flags.cpusetCpus, pidsLimit: flags.pidsLimit },
    hasHostNetwork: flags.net === "host",
    hasHostPid: flags.pid === "host",
    sysctl: parsePairs("sysctl", flags.sysctl),
    cgroupMode: filesystemOf(kernel, "/sys/fs/cgroup") === CGROUP2_SUPER_MAGIC ? "unified" : "legacy",
  };
}

const NO_DEVICES: HostDevices = { devices: [], rules: [] };

/** `--device`, beside all of the host's for a privileged container. @throws {ContainerError} */
async function chooseDevices({ kernel }: CtrContext, { device, privileged }: ContainerFlags): Promise<HostDevices> {
  if (device.length === 0 && !privileged) return NO_DEVICES;
  const requests = device.map(parseDevice);
  const { allDevices, findDevices } = await import("../../lib/client/devices.ts");
  const { devices, rules } = findDevices(kernel, requests);
  const own = new Set(devices.map(({ path }) => path));
  const others = privileged ? allDevices(kernel).filter(({ path }) => !own.has(path)) : [];
  return { devices: [...others, ...devices], rules };
}

/** capabilities(7): what this machine lets anybody have; the daemon is on it, too. */
export function boundingSet(kernel: CtrContext["kernel"]): bigint {
  const status = findText(kernel, "/proc/self/status") ?? "";
  return BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
}

/** Names mean on the host's network what they mean on the host. */
function hostNetworkFiles({ kernel }: CtrContext): readonly Mount[] {
  return ["/etc/resolv.conf", "/etc/hosts"]
    .filter((path) => findText(kernel, path) !== undefined)
    .map((path) => ({ destination: path, type: "bind", source: path, options: ["rbind", "ro", "rprivate"] }));
}

/** Options that do not go together, as they are. @throws {ContainerError} invalid_argument */
export function checkNetwork({ net, publish }: ContainerFlags): void {
  if (publish.length === 0 || (net !== "none" && net !== "host")) return;
  throw invalid(`--publish with --net ${net}`, "there is no network of its own to lead ports into");
}

/** Whether the options ask for what a daemon has to know of networks. */
export function wantsNetwork({ net, publish }: ContainerFlags): boolean {
  return publish.length > 0 || (net !== undefined && net !== "none" && net !== "host");
}

function networkLabels(flags: ContainerFlags): Readonly<Record<string, string>> {
  const { net, publish } = flags;
  if (!wantsNetwork(flags)) return {};
  return {
    [NETWORK_LABEL]: net ?? DEFAULT_NETWORK,
    ...(publish.length === 0 ? {} : { [PORTS_LABEL]: publish.join(",") }),
  };
}

/** What a daemon without networks is told. */
export function noNetworks(address: string): AdvisedError {
  const why = `the daemon at ${address} makes no networks, which --publish and --net need`;
  return new AdvisedError("unimplemented", why, { advice: "use --net host, or tsrund, which makes networks by CNI" });
}

function invalid(what: string, why: string): ContainerError {
  return new ContainerError("invalid_argument", `${what}: ${why}`);
}
