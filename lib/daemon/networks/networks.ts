import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { ContainerError, explain } from "../../errors.ts";
import type { Kernel } from "../../linux/kernel.ts";
import type { Container } from "../metadata/containers.ts";
import { type ConfigChange, changeConfig, hostnameOf } from "./bundle-config.ts";
import { type Attachment, addAttachment, deleteAttachment, takesPorts } from "./chain.ts";
import { findPortInUse } from "./host-ports.ts";
import { type NetworkRequest, parseNetworkLabels } from "./labels.ts";
import { writeNameFiles } from "./name-files.ts";
import { endStrays, isPinned, MARK, pinNamespace, unpinNamespace } from "./namespaces.ts";
import {
  type BridgeSettings,
  bridgeNetwork,
  DEFAULT_NETWORK,
  findNetwork,
  LOOPBACK,
  type Network,
} from "./network-list.ts";
import { findPlugin, type PluginSettings } from "./plugin.ts";
import { clashes, describePort, type PortMapping } from "./ports.ts";
import { type NetworkRecord, NetworkRecords, type Owner } from "./records.ts";
import { type NetworkResult, parseResult } from "./result.ts";
import type { NetworkStatus } from "./status.ts";

/** How networks are made. */
export interface NetworkSettings {
  /** The directory of the files that describe networks. */
  readonly configDirectory: string;
  readonly pluginDirectories: readonly string[];
  /** How long a plugin may take. */
  readonly limitMs: number;
  readonly bridge: BridgeSettings;
  /** Name servers for containers whose networks tell none; none is to look at the host's. */
  readonly servers: readonly string[];
}

export interface NetworksParts {
  readonly kernel: Kernel;
  readonly settings: NetworkSettings;
  /** What outlives the machine's end, and what does not. */
  readonly roots: { readonly root: string; readonly state: string };
  /** This executable. */
  readonly program: string;
  readonly warn: (message: string) => void;
  /** Told what a container has got, and undefined when it is gone. */
  readonly publish: (owner: Owner, status: NetworkStatus | undefined) => void;
}

/** A container whose networks are there, or are being made or removed. */
interface Held extends NetworkRecord {
  readonly ports: readonly PortMapping[];
}

/** The networks of containers: namespaces, what CNI's plugins put into them, and the files of names. */
export class Networks {
  readonly #parts: NetworksParts;
  readonly #state: string;
  readonly #records: NetworkRecords;
  readonly #plugins: PluginSettings;
  readonly #held = new Map<string, Held>();

  constructor(parts: NetworksParts) {
    const { settings, roots } = parts;
    this.#parts = parts;
    this.#state = join(roots.state, "networks");
    this.#records = new NetworkRecords(join(roots.root, "networks"));
    const { pluginDirectories: directories, limitMs } = settings;
    this.#plugins = { directories, limitMs, mark: { [MARK]: this.#state } };
  }

  /**
   * Makes the networks that a container asks for. Gives the config.json that its task is to be made from.
   * @throws {ContainerError} after which nothing of them is left
   */
  async attach(namespace: string, { id, labels, spec }: Container): Promise<Uint8Array> {
    const request = parseNetworkLabels(labels);
    if (request === undefined) return spec.value;
    const owner = { namespace, id };
    const networks = this.#choose(request);
    const hostname = hostnameOf(spec.value);
    // What could not be removed before has the same names, so it goes with what is made now.
    await this.#undo(owner);
    this.#checkPorts(owner, request.ports);
    this.#hold({ ...owner, attachments: [], ports: request.ports });
    try {
      const netns = request.mode === "networks" ? await this.#join(owner, networks, request.ports) : undefined;
      const files = writeNameFiles(this.#directory(owner), {
        ...{ hostname, naming: request.naming, isHost: request.mode === "host" },
        results: this.#resultsOf(owner),
        servers: this.#parts.settings.servers,
      });
      const config = changeConfig(spec.value, { namespace: namespaceOf(request, netns), files });
      this.#parts.publish(owner, this.#statusOf(owner));
      return config;
    } catch (error) {
      await this.#undo(owner);
      throw because(error, `cannot connect container ${id}`);
    }
  }

  /** Removes the networks of a container; one that has none is no fault. @throws {ContainerError} with all that failed */
  async release(owner: Owner): Promise<void> {
    const held = this.#held.get(keyOf(owner));
    if (held === undefined) return;
    const path = this.#netns(owner);
    const subject = { containerId: subjectId(owner), netns: isPinned(this.#parts.kernel, path) ? path : "" };
    const faults: unknown[] = [];
    for (const attachment of held.attachments.toReversed()) {
      try {
        await deleteAttachment(this.#plugins, attachment, subject);
      } catch (error) {
        faults.push(error);
      }
    }
    unpinNamespace(this.#parts.kernel, path);
    rmSync(this.#directory(owner), { recursive: true, force: true });
    const [first] = faults;
    // The record stays: what failed is tried again when the container or the daemon is started again.
    if (first !== undefined) throw cannotRelease(owner.id, faults);
    this.#records.remove(owner);
    this.#held.delete(keyOf(owner));
    this.#parts.publish(owner, undefined);
  }

  /** Takes over what a process before this one has made; removes that of containers without a task. */
  async restore(hasTask: (namespace: string, id: string) => boolean): Promise<void> {
    const { warn } = this.#parts;
    const records = this.#records.list(warn);
    if (records.length === 0) return;
    await endStrays(this.#state);
    for (const record of records) {
      const ports = record.attachments.flatMap((attachment) => attachment.ports);
      this.#held.set(keyOf(record), { ...record, ports });
    }
    const orphans = records.filter(({ namespace, id }) => !hasTask(namespace, id));
    await Promise.all(orphans.map((record) => this.release(record).catch((error) => warn(explain(error)))));
  }

  #statusOf(owner: Owner): NetworkStatus {
    const { attachments = [], ports = [] } = this.#held.get(keyOf(owner)) ?? {};
    const networks = attachments
      .filter(({ network }) => network !== LOOPBACK)
      .map(({ network, ifName, result }) => ({
        ...{ name: network.name, interface: ifName, addresses: parseResult(result).addresses },
      }));
    return { networks, ports };
  }

  /** What the networks have said, without the loopback. */
  #resultsOf(owner: Owner): readonly NetworkResult[] {
    const attachments = this.#held.get(keyOf(owner))?.attachments ?? [];
    return attachments.filter(({ network }) => network !== LOOPBACK).map(({ result }) => parseResult(result));
  }

  #choose({ names, ports }: NetworkRequest): readonly Network[] {
    const networks = names.map((name) => this.#find(name));
    for (const { type } of [LOOPBACK, ...networks].flatMap(({ plugins }) => (names.length === 0 ? [] : plugins))) {
      findPlugin(this.#plugins.directories, type);
    }
    if (ports.length > 0 && !networks.some(takesPorts)) {
      throw new ContainerError(
        "invalid_argument",
        `cannot publish ports: no plugin of ${names.join(", ")} has the capability portMappings`,
      );
    }
    return networks;
  }

  #find(name: string): Network {
    const { configDirectory, bridge } = this.#parts.settings;
    const found = findNetwork(configDirectory, name);
    if (found !== undefined) return found;
    if (name === DEFAULT_NETWORK) return bridgeNetwork(bridge, join(this.#state, "leases"));
    const remedy = `must be host, none, ${DEFAULT_NETWORK}, or one that a file in ${configDirectory} describes`;
    throw new ContainerError("not_found", `there is no network ${name}: ${remedy}`);
  }

  #checkPorts(owner: Owner, ports: readonly PortMapping[]): void {
    for (const held of this.#held.values()) {
      const taken = ports.find((port) => held.ports.some((other) => clashes(port, other)));
      if (taken === undefined || keyOf(held) === keyOf(owner)) continue;
      throw portTaken(owner, taken, `container ${held.id} in namespace ${held.namespace} has it`);
    }
    const used = ports.length === 0 ? undefined : findPortInUse(ports, readTable);
    if (used !== undefined) throw portTaken(owner, used, "a process of the host listens on it");
  }

  /** A namespace, and all networks in it, each written down before it is made. Gives its path. */
  async #join(owner: Owner, networks: readonly Network[], ports: readonly PortMapping[]): Promise<string> {
    const netns = this.#netns(owner);
    mkdirSync(this.#directory(owner), { recursive: true, mode: 0o711 });
    await pinNamespace(this.#parts.program, netns, this.#state);
    const publisher = networks.find(takesPorts);
    const subject = { containerId: subjectId(owner), netns };
    const wanted: readonly Attachment[] = [
      { network: LOOPBACK, ifName: "lo", ports: [] },
      ...networks.map((network, index) => ({
        ...{ network, ifName: `eth${index}`, ports: network === publisher ? ports : [] },
      })),
    ];
    let made: readonly Attachment[] = [];
    for (const attachment of wanted) {
      this.#hold({ ...owner, attachments: [...made, attachment], ports });
      const result = await this.#add(attachment, subject);
      made = [...made, { ...attachment, result }];
    }
    this.#hold({ ...owner, attachments: made, ports });
    checkFamilies(made);
    return netns;
  }

  async #add(attachment: Attachment, subject: { readonly containerId: string; readonly netns: string }) {
    try {
      return await addAttachment(this.#plugins, attachment, subject);
    } catch (error) {
      throw because(error, `network ${attachment.network.name}`);
    }
  }

  async #undo(owner: Owner): Promise<void> {
    try {
      await this.release(owner);
    } catch (error) {
      this.#parts.warn(explain(error));
    }
  }

  #hold(held: Held): void {
    const { namespace, id, attachments } = held;
    this.#records.put({ namespace, id, attachments });
    this.#held.set(keyOf(held), held);
  }

  #directory({ namespace, id }: Owner): string {
    return join(this.#state, "containers", namespace, id);
  }

  #netns(owner: Owner): string {
    return join(this.#directory(owner), "netns");
  }
}

/** The plugins pass over a port for whose address the container has none of the same kind. @throws {ContainerError} */
function checkFamilies(attachments: readonly Attachment[]): void {
  for (const { ports, result } of attachments) {
    const families = parseResult(result).addresses.map(isIP);
    const lost = ports.find(({ hostIP }) => hostIP !== "" && !families.includes(isIP(hostIP)));
    if (lost === undefined) continue;
    const why = `the container has no address of IPv${isIP(lost.hostIP)}`;
    throw new ContainerError("failed_precondition", `cannot publish port ${describePort(lost)}: ${why}`);
  }
}

function namespaceOf({ mode }: NetworkRequest, path: string | undefined): ConfigChange["namespace"] {
  if (path !== undefined) return { kind: "path", path };
  return { kind: mode === "host" ? "host" : "new" };
}

function keyOf({ namespace, id }: Owner): string {
  return `${namespace}/${id}`;
}

/** Identifiers have no two dashes in a row, so no two pairs give the same. */
function subjectId({ namespace, id }: Owner): string {
  return `${namespace}--${id}`;
}

function readTable(name: string): string {
  try {
    return readFileSync(`/proc/self/net/${name}`, "utf8");
  } catch {
    // A kernel without IPv6 has no table of it.
    return "";
  }
}

function portTaken({ id }: Owner, port: PortMapping, why: string): ContainerError {
  return new ContainerError("failed_precondition", `cannot publish port ${describePort(port)} for ${id}: ${why}`);
}

function because(cause: unknown, message: string): ContainerError {
  return new ContainerError(cause instanceof ContainerError ? cause.code : "internal", message, { cause });
}

function cannotRelease(id: string, faults: readonly unknown[]): ContainerError {
  const why = faults.map(explain).join("; ");
  return new ContainerError("internal", `cannot remove the networks of container ${id}: ${why}`, { cause: faults[0] });
}
