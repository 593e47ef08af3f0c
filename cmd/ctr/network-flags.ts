import { ContainerError } from "../../lib/errors.ts";
import { findText } from "../../lib/linux/files.ts";
import type { Mount } from "../../lib/spec/config.ts";
import { flagName } from "../flags.ts";
import { AdvisedError } from "./advice.ts";
import type { CtrContext } from "./context.ts";
import type { ContainerFlags } from "./run-flags.ts";

/** What the labels of tsrund's networks are called: lib/daemon/networks. */
const NETWORK_LABEL = "tsrun.dev/network";
const PORTS_LABEL = "tsrun.dev/ports";
const DEFAULT_NETWORK = "bridge";

/** Options that do not go together, as they are. @throws {ContainerError} invalid_argument */
export function checkNetwork({ net, publish }: ContainerFlags): void {
  if (publish.length === 0 || (net !== "none" && net !== "host")) return;
  throw invalid(`--publish with --net ${net}`, "there is no network of its own to lead ports into");
}

/** Whether the options ask for what a daemon has to know of networks. */
export function wantsNetwork(flags: ContainerFlags): boolean {
  const { net, publish } = flags;
  return publish.length > 0 || (net !== undefined && net !== "none" && net !== "host") || wantsNames(flags);
}

/** Whether the options say what names mean: the daemon writes the files that say so. */
function wantsNames({ dns, dnsSearch, dnsOption, addHost }: ContainerFlags): boolean {
  return [dns, dnsSearch, dnsOption, addHost].some((each) => each.length > 0);
}

/** What the options tell tsrund of networks. @throws {ContainerError} invalid_argument */
export function networkLabels(flags: ContainerFlags): Readonly<Record<string, string>> {
  const { net, publish } = flags;
  if (!wantsNetwork(flags)) return {};
  return {
    [NETWORK_LABEL]: net ?? (publish.length > 0 ? DEFAULT_NETWORK : "none"),
    ...(publish.length === 0 ? {} : { [PORTS_LABEL]: publish.join(",") }),
    ...nameLabels(flags),
  };
}

/** By label the option that it is made of, and what each value must be like. */
const NAMES = {
  dns: ["dns", /^[0-9a-f:.]+$/i, "the address of a name server, e.g. 10.0.0.1"],
  "dns-search": ["dnsSearch", /^[^,\s]+$/, "a domain"],
  "dns-option": ["dnsOption", /^[^,\s]+$/, "an option of resolv.conf, e.g. ndots:2"],
  hosts: ["addHost", /^[^:=,\s]+[:=][[\]0-9a-f:.]+$/i, "NAME:ADDRESS, e.g. db:10.0.0.7"],
} as const;

function nameLabels(flags: ContainerFlags): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const [label, [key, pattern, must]] of Object.entries(NAMES)) {
    const values = flags[key];
    const wrong = values.find((value) => !pattern.test(value));
    if (wrong !== undefined) throw invalid(`--${flagName(key)} ${wrong}`, `must be ${must}`);
    // Docker takes NAME=ADDRESS, too.
    if (values.length > 0) labels[`tsrun.dev/${label}`] = values.map((each) => each.replace("=", ":")).join(",");
  }
  return labels;
}

/** What a daemon without networks is told. */
export function noNetworks(address: string): AdvisedError {
  const why = `the daemon at ${address} makes no networks, which --publish, --net, --dns and --add-host need`;
  return new AdvisedError("unimplemented", why, { advice: "use --net host, or tsrund, which makes networks by CNI" });
}

/** Names mean on the host's network what they mean on the host, unless the daemon makes files that say something else. */
export function hostNetworkFiles({ kernel }: CtrContext, flags: ContainerFlags): readonly Mount[] {
  if (flags.net !== "host" || wantsNames(flags)) return [];
  return ["/etc/resolv.conf", "/etc/hosts"]
    .filter((path) => findText(kernel, path) !== undefined)
    .map((path) => ({ destination: path, type: "bind", source: path, options: ["rbind", "ro", "rprivate"] }));
}

function invalid(what: string, why: string): ContainerError {
  return new ContainerError("invalid_argument", `${what}: ${why}`);
}
