import { ContainerError } from "../../errors.ts";
import { pointerTo } from "../../json-pointer.ts";
import type { Variant } from "../../linux/constants/dbus.ts";
import type { StringMap } from "../../spec/config.ts";
import { parseVariant } from "./gvariant.ts";
import type { ScopeProperty } from "./properties.ts";

/** Annotations that begin so set properties of the unit. */
export const PROPERTY_PREFIX = "org.systemd.property.";

/**
 * systemd.scope(5), systemd.resource-control(5), systemd.kill(5): what an annotation may set. Engines hand on
 * annotations of their users (CVE-2024-3154): what would start or stop other units, reboot the machine, load a program
 * or undo what the runtime itself sets is not among them.
 */
const ALLOWED: ReadonlySet<string> = new Set([
  "After",
  "AllowedCPUs",
  "AllowedMemoryNodes",
  "Before",
  "CPUAccounting",
  "CPUQuotaPerSecUSec",
  "CPUQuotaPeriodUSec",
  "CPUShares",
  "CPUWeight",
  "CollectMode",
  "CoredumpReceive",
  "DefaultDependencies",
  "Description",
  "Documentation",
  "FinalKillSignal",
  "IOAccounting",
  "IODeviceLatencyTargetUSec",
  "IODeviceWeight",
  "IOReadBandwidthMax",
  "IOReadIOPSMax",
  "IOWeight",
  "IOWriteBandwidthMax",
  "IOWriteIOPSMax",
  "IPAccounting",
  "IPAddressAllow",
  "IPAddressDeny",
  "KillMode",
  "KillSignal",
  "ManagedOOMMemoryPressure",
  "ManagedOOMMemoryPressureLimit",
  "ManagedOOMPreference",
  "ManagedOOMSwap",
  "MemoryAccounting",
  "MemoryHigh",
  "MemoryLow",
  "MemoryMax",
  "MemoryMin",
  "MemorySwapMax",
  "MemoryZSwapMax",
  "OOMPolicy",
  "RuntimeMaxUSec",
  "SendSIGHUP",
  "SendSIGKILL",
  "StartupAllowedCPUs",
  "StartupCPUWeight",
  "StartupIOWeight",
  "TasksAccounting",
  "TasksMax",
  "TimeoutStopUSec",
  "WatchdogSignal",
]);

const MICROSECONDS = 1_000_000n;

/**
 * The properties that annotations ask for. A name in `Sec` takes seconds, and is the property in `USec`, as people know
 * it from unit files.
 * @throws {ContainerError} invalid_argument, naming the annotation
 */
export function annotatedProperties(annotations: StringMap): readonly ScopeProperty[] {
  return Object.entries(annotations).flatMap(([key, text]) => {
    if (!key.startsWith(PROPERTY_PREFIX)) return [];
    const asked = key.slice(PROPERTY_PREFIX.length);
    const inSeconds = /[a-z]Sec$/.test(asked);
    const name = inSeconds ? `${asked.slice(0, -"Sec".length)}USec` : asked;
    if (!ALLOWED.has(name)) throw refused(key, text, "it is not among the properties that an annotation may set");
    const variant = parse(key, text);
    const value = inSeconds ? inMicroseconds(key, text, variant) : variant;
    return [{ name, ...value, from: pointerTo("/annotations", key) }];
  });
}

function parse(key: string, text: string): Variant {
  try {
    return parseVariant(text);
  } catch (error) {
    if (error instanceof RangeError) throw refused(key, text, `it is no GVariant text: ${error.message}`);
    throw error;
  }
}

function inMicroseconds(key: string, text: string, { signature, value }: Variant): Variant {
  if (typeof value === "bigint" && value >= 0n && value < 2n ** 64n / MICROSECONDS) {
    return { signature: "t", value: value * MICROSECONDS };
  }
  if (signature === "d" && typeof value === "number" && value >= 0 && value < 2 ** 44) {
    return { signature: "t", value: BigInt(Math.round(value * Number(MICROSECONDS))) };
  }
  throw refused(key, text, "it must be a number of seconds");
}

function refused(key: string, text: string, why: string): ContainerError {
  const what = `cannot apply the annotation ${key}=${JSON.stringify(text)}`;
  return new ContainerError("invalid_argument", `${what}: ${why}`);
}
