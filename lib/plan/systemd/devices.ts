import type { DeviceRule } from "../../spec/resources.ts";
import type { ScopeProperty, SystemdFacts } from "./properties.ts";

const FROM = "/linux/resources/devices";

/** An entry of DeviceAllow: device, and letters of `rwm`. */
type Entry = readonly [device: string, access: string];

/**
 * systemd.resource-control(5), DevicePolicy and DeviceAllow: the devices of the container, for systemd's own filter. On
 * v2 that is one more beside the container's own, so it may let more pass, and has to where it cannot say less. On v1
 * both write the same list: what systemd cannot say it denies until the container's own rules are written.
 */
export function deviceProperties(rules: readonly DeviceRule[], { mode }: SystemdFacts): readonly ScopeProperty[] {
  const entries = allowedEntries(rules);
  const isOpen = entries === "all" || (entries === "unknown" && mode === "v2");
  const list = typeof entries === "string" ? [] : entries;
  return [
    { name: "DevicePolicy", signature: "s", value: isOpen ? "auto" : "strict", from: FROM },
    // An empty list first: it takes back what may be there.
    { name: "DeviceAllow", signature: "a(ss)", value: [], from: FROM },
    ...(list.length === 0 ? [] : [{ name: "DeviceAllow", signature: "a(ss)", value: list, from: FROM }]),
  ];
}

/** `all`: no rule denies anything. `unknown`: all but something, for which systemd has no words. */
function allowedEntries(rules: readonly DeviceRule[]): readonly Entry[] | "all" | "unknown" {
  const isForAll = ({ type = "a" }: DeviceRule) => type === "a";
  const last = rules.findLastIndex(isForAll);
  const blanket = rules[last];
  const rest = rules.slice(last + 1);
  // What denies less than everything leaves the rest allowed.
  const isPartial = blanket !== undefined && !blanket.allow && !isEverything(blanket);
  if (isPartial || (blanket?.allow && rest.some(({ allow }) => !allow))) return "unknown";
  return blanket?.allow ? "all" : listAllowed(rest);
}

/** What the rules allow, of nothing: the last one that speaks of a device and of an access decides. */
function listAllowed(rules: readonly DeviceRule[]): readonly Entry[] {
  const allowed = new Map<string, Set<string>>();
  for (const rule of rules) {
    const letters = allowed.get(deviceName(rule)) ?? new Set();
    allowed.set(deviceName(rule), letters);
    for (const letter of rule.access ?? "rwm") {
      if (rule.allow) letters.add(letter);
      else letters.delete(letter);
    }
  }
  return [...allowed].flatMap(([name, letters]): Entry[] => {
    const access = [..."rwm"].filter((letter) => letters.has(letter)).join("");
    return name === "" || access === "" ? [] : [[name, access]];
  });
}

function isEverything({ access = "rwm" }: DeviceRule): boolean {
  return [..."rwm"].every((letter) => access.includes(letter));
}

/** "" for one minor number of every major one, which systemd has no name for. */
function deviceName({ type, major = -1, minor = -1 }: DeviceRule): string {
  const kind = type === "b" ? "block" : "char";
  if (major === -1) return minor === -1 ? `${kind}-*` : "";
  return minor === -1 ? `${kind}-${major}` : `/dev/${kind}/${major}:${minor}`;
}
