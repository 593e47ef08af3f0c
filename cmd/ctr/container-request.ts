import { type Creation, STOP_SIGNAL_LABEL, STOP_TIMEOUT_LABEL } from "../../lib/client/create.ts";
import type { HostDevices } from "../../lib/client/devices.ts";
import { DEFAULT_SNAPSHOTTER } from "../../lib/client/images/snapshots.ts";
import { chooseCapabilities } from "../../lib/client/spec/capabilities.ts";
import { type ContainerRequest, makeSpec } from "../../lib/client/spec/container-spec.ts";
import { ContainerError } from "../../lib/errors.ts";
import type { Platform } from "../../lib/image/platforms.ts";
import { filesystemOf, findText } from "../../lib/linux/files.ts";
import type { Config } from "../../lib/spec/config.ts";
import type { CtrContext } from "./context.ts";
import { parseDevice } from "./device-flag.ts";
import { chooseMounts } from "./mounts.ts";
import { hostNetworkFiles, networkLabels } from "./network-flags.ts";
import { type ContainerFlags, parsePairs, parseUlimit, readEnv, restartLabels } from "./run-flags.ts";
import { chooseConfinement } from "./security.ts";

/** statfs(2): the type of a cgroup v2 hierarchy. */
const CGROUP2_SUPER_MAGIC = 0x63677270;

/** proc(5): who has the host's network answers to its name, too. */
const HOSTNAME = "/proc/sys/kernel/hostname";

/** What every containerd runs; tsrund runs its own for it. */
const DEFAULT_RUNTIME = "io.containerd.runc.v2";
const ID_DIGITS = 12;

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
  const mounts = await chooseMounts(context, flags);
  const request = await toRequest(context, flags, { ...given, id });
  const finish = needsExtras(flags) ? await addExtras(context, flags) : (config: Config) => config;
  return {
    ...{ id, image: given.image, user: flags.user, mounts },
    snapshotter: flags.snapshotter ?? DEFAULT_SNAPSHOTTER,
    runtime: flags.runtime ?? DEFAULT_RUNTIME,
    spec: (image, user, mounted) =>
      finish(makeSpec({ ...request, mounts: [...request.mounts, ...mounted] }, image, user)),
    platform: flags.platform === undefined ? undefined : await platformOf(flags.platform),
    labels: {
      ...(flags.labelFile === undefined ? {} : await labelsOf(context, flags.labelFile)),
      ...parsePairs("label", flags.label),
      ...restartLabels(flags.restart),
      ...networkLabels(flags),
      ...(flags.stopSignal === undefined ? {} : { [STOP_SIGNAL_LABEL]: flags.stopSignal }),
      ...(flags.stopTimeout === undefined ? {} : { [STOP_TIMEOUT_LABEL]: String(flags.stopTimeout) }),
      ...given.labels,
    },
  };
}

/** Options that change what few containers have changed: what they need is loaded for those. */
function needsExtras(flags: ContainerFlags): boolean {
  const { init, annotation, groupAdd } = flags;
  const others = [
    ...[flags.ipc, flags.uts, flags.cgroupns, flags.userns, flags.domainname, flags.cgroupParent, flags.cpusetMems],
    ...[flags.oomScoreAdj, flags.memorySwap, flags.memoryReservation, flags.blkioWeight],
  ];
  return init || annotation.length > 0 || groupAdd.length > 0 || others.some((value) => value !== undefined);
}

async function addExtras(context: CtrContext, flags: ContainerFlags): Promise<(config: Config) => Config> {
  const [{ toExtras }, { withExtras }] = await Promise.all([
    import("./extra-flags.ts"),
    import("../../lib/client/spec/extras.ts"),
  ]);
  const extras = await toExtras(context, flags);
  return (config) => withExtras(config, extras);
}

async function labelsOf(context: CtrContext, file: string): Promise<Readonly<Record<string, string>>> {
  const { readLabels } = await import("./extra-flags.ts");
  return readLabels(context, file);
}

/** `--platform`. @throws {ContainerError} */
export async function platformOf(text: string): Promise<Platform> {
  const { parsePlatform } = await import("../../lib/image/platforms.ts");
  return parsePlatform(text);
}

/** The id of a container that is given no name. */
export function randomId(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, ID_DIGITS);
}

async function toRequest(
  context: CtrContext,
  flags: ContainerFlags,
  { id, command, terminal }: Given & { readonly id: string },
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
    env: await readEnv(context, flags),
    workingDir: flags.workdir,
    hostname: flags.hostname ?? (flags.net === "host" ? findText(kernel, HOSTNAME)?.trim() : undefined),
    ...confinement,
    capabilities,
    noNewPrivileges: flags.noNewPrivileges || confinement.noNewPrivileges,
    devices: await chooseDevices(context, flags),
    mounts: hostNetworkFiles(context, flags),
    rlimits: flags.ulimit.map(parseUlimit),
    memoryBytes: flags.memory,
    shmBytes: flags.shmSize,
    ...{
      cpus: flags.cpus,
      cpuShares: flags.cpuShares,
      cpusetCpus: flags.cpusetCpus,
      pidsLimit: flags.pidsLimit || undefined,
    },
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

function invalid(what: string, why: string): ContainerError {
  return new ContainerError("invalid_argument", `${what}: ${why}`);
}
