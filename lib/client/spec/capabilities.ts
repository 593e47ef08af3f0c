import { ContainerError } from "../../errors.ts";
import { CAPABILITIES } from "../../spec/capability.ts";

/** What docker and containerd leave to root in a container. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  ...["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID"],
  ...["CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL"],
  "CAP_AUDIT_WRITE",
];

export interface CapabilityRequest {
  /** With or without `CAP_`, in any case; `ALL` is all of them. */
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly privileged: boolean;
  /** capabilities(7), CapBnd of /proc/PID/status: what this machine lets anybody have, a bit a capability. */
  readonly bounding: bigint;
}

/** The capabilities of a container, in the order of their numbers. @throws {ContainerError} invalid_argument */
export function chooseCapabilities({ add, drop, privileged, bounding }: CapabilityRequest): readonly string[] {
  const bits = bounding.toString(2).split("").reverse();
  const known = CAPABILITIES.filter((_, number) => bits[number] === "1");
  const [added, dropped] = [add, drop].map((names) => names.map((name) => fullName(name, known)));
  const has = (list: readonly string[] | undefined, name: string) => list?.includes(name) === true;
  return known.filter((name) => {
    if (has(dropped, name)) return false;
    if (has(added, name)) return true;
    return privileged || has(added, ALL) || (DEFAULT_CAPABILITIES.includes(name) && !has(dropped, ALL));
  });
}

const ALL = "ALL";

function fullName(given: string, known: readonly string[]): string {
  const upper = given.toUpperCase();
  if (upper === ALL) return ALL;
  const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  if (known.includes(name)) return name;
  const why = CAPABILITIES.includes(name) ? "this machine lets nobody have" : "there is no";
  throw new ContainerError("invalid_argument", `${why} capability ${JSON.stringify(given)}`);
}
