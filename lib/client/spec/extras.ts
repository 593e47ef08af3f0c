import { ContainerError } from "../../errors.ts";
import type { Config, Linux, Mount, Process, User } from "../../spec/config.ts";

/** Namespaces that a container shares with the host. */
export type SharedNamespace = "ipc" | "uts" | "cgroup";

/** What few containers are asked for, beside what every one has. */
export interface SpecExtras {
  /** A program of the host that becomes the first process, starts the others and reaps them. */
  readonly init: string | undefined;
  readonly shared: readonly SharedNamespace[];
  readonly domainname: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  readonly additionalGids: readonly number[];
  readonly oomScoreAdj: number | undefined;
  /** With the memory that swaps out: the sum of both; -1 for no limit. */
  readonly swapBytes: number | undefined;
  readonly reservationBytes: number | undefined;
  readonly cpusetMems: string | undefined;
  readonly blkioWeight: number | undefined;
  /** A cgroup in which that of the container is made. */
  readonly cgroupParent: string | undefined;
}

/** Where a container finds its init, as with docker. */
const INIT = "/sbin/docker-init";

/** A config with extras. @throws {ContainerError} invalid_argument for what does not go together */
export function withExtras(config: Config, extras: SpecExtras): Config {
  const { shared, domainname, annotations } = extras;
  const hasOwnNames = !shared.includes("uts");
  const { hostname, ...rest } = config;
  return {
    ...rest,
    ...(hasOwnNames && hostname !== undefined ? { hostname } : {}),
    ...(domainname === undefined ? {} : { domainname }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations: { ...config.annotations, ...annotations } }),
    ...(config.process === undefined ? {} : { process: changeProcess(config.process, extras) }),
    mounts: changeMounts(config.mounts ?? [], extras),
    linux: changeLinux(config.linux ?? {}, extras),
  };
}

function changeProcess(process: Process, { init, additionalGids, oomScoreAdj }: SpecExtras): Process {
  const { user, args = [] } = process;
  return {
    ...process,
    ...(init === undefined ? {} : { args: [INIT, "--", ...args] }),
    ...(user === undefined ? {} : { user: addGroups(user, additionalGids) }),
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
  };
}

function addGroups(user: User, gids: readonly number[]): User {
  if (gids.length === 0) return user;
  return { ...user, additionalGids: [...new Set([...(user.additionalGids ?? []), ...gids])] };
}

/** What of the host's IPC is found by a name is the host's, too; /dev/mqueue is that of the namespace anyway. */
const SHARED_MEMORY = "/dev/shm";

function changeMounts(mounts: readonly Mount[], { init, shared }: SpecExtras): readonly Mount[] {
  const bind = (source: string, destination: string, ...options: readonly string[]): Mount => {
    return { destination, type: "bind", source, options: ["rbind", "rprivate", ...options] };
  };
  const found = mounts.map((mount) => {
    const isOwn = mount.type !== "bind" && mount.destination === SHARED_MEMORY;
    return isOwn && shared.includes("ipc") ? bind(SHARED_MEMORY, SHARED_MEMORY) : mount;
  });
  if (init === undefined) return found;
  const taken = found.some(({ destination }) => destination === INIT);
  if (taken) throw new ContainerError("invalid_argument", `--init: something else is mounted on ${INIT}`);
  return [...found, bind(init, INIT, "ro")];
}

function changeLinux(linux: Linux, extras: SpecExtras): Linux {
  const { shared, swapBytes, reservationBytes, cpusetMems, blkioWeight, cgroupParent } = extras;
  const { resources = {}, namespaces = [], cgroupsPath = "" } = linux;
  const memory = {
    ...resources.memory,
    ...(swapBytes === undefined ? {} : { swap: swapBytes }),
    ...(reservationBytes === undefined ? {} : { reservation: reservationBytes }),
  };
  const cpu = { ...resources.cpu, ...(cpusetMems === undefined ? {} : { mems: cpusetMems }) };
  return {
    ...linux,
    namespaces: namespaces.filter(({ type }) => !shared.some((each) => each === type)),
    ...(cgroupParent === undefined
      ? {}
      : { cgroupsPath: `/${cgroupParent.replace(/^\/+|\/+$/g, "")}/${cgroupsPath.split("/").at(-1)}` }),
    resources: {
      ...resources,
      ...(Object.keys(memory).length === 0 ? {} : { memory }),
      ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
      ...(blkioWeight === undefined ? {} : { blockIO: { ...resources.blockIO, weight: blkioWeight } }),
    },
  };
}
