import { ContainerError } from "../../errors.ts";
import { findText, listDirectory } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { api } from "../api.ts";
import type { Client } from "../client.ts";

/** A directory with a name, whose files outlive the containers that mount it. */
export interface Volume {
  readonly name: string;
  /** What is mounted. */
  readonly mountpoint: string;
  readonly labels: Readonly<Record<string, string>>;
  /** RFC 3339; undefined while it is being made. */
  readonly createdAt: string | undefined;
  /** Nobody gave it its name: it goes with the container it was made for, if that is wanted. */
  readonly isAnonymous: boolean;
}

const ROOT = "/var/lib/tsctr/volumes";
export const DATA = "_data";
export const RECORD = "volume.json";

/** Docker's rule. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** @throws {ContainerError} invalid_argument */
export function checkVolumeName(name: string): void {
  if (NAME.test(name)) return;
  const why = "must begin with a letter or a digit, and go on with letters, digits, _ . or -";
  throw new ContainerError("invalid_argument", `cannot use ${JSON.stringify(name)} as the name of a volume: it ${why}`);
}

const ANONYMOUS_DIGITS = 32;

/** A name that nobody has. */
export function anonymousName(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, ANONYMOUS_DIGITS);
}

/**
 * Where the volumes of a daemon's namespace are. Daemons are told apart by what they call themselves, not by their sockets:
 * a volume is in use when a container of its own daemon mounts it. @throws {ContainerError}
 */
export async function volumesDirectory(client: Client): Promise<string> {
  const { uuid } = await client.call(api.introspection.server, {});
  return `${ROOT}/${encodeURIComponent(uuid)}/${encodeURIComponent(client.scope.namespace)}`;
}

/** All volumes, by their names. @throws {SyscallError} */
export function listVolumes(kernel: Kernel, directory: string): readonly Volume[] {
  return listDirectory(kernel, directory)
    .filter(({ name, isDirectory }) => isDirectory && NAME.test(name))
    .map(({ name }) => readVolume(kernel, directory, name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What is known of a volume that is there. */
export function readVolume(kernel: Kernel, directory: string, name: string): Volume {
  const record = parseRecord(findText(kernel, `${directory}/${name}/${RECORD}`));
  return { name, mountpoint: `${directory}/${name}/${DATA}`, ...record };
}

type VolumeRecord = Omit<Volume, "name" | "mountpoint">;

function parseRecord(text: string | undefined): VolumeRecord {
  const none: VolumeRecord = { labels: {}, createdAt: undefined, isAnonymous: false };
  if (text === undefined) return none;
  try {
    return { ...none, ...(JSON.parse(text) as Partial<VolumeRecord>) };
  } catch {
    // A record that is torn names nothing; the files are there.
    return none;
  }
}

/** What is said of a volume that is not there. */
export function noVolume(name: string, client: Client): ContainerError {
  return new ContainerError("not_found", `there is no volume ${name} in namespace ${client.scope.namespace}`);
}
