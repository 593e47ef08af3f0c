import { ContainerError } from "../../errors.ts";
import type { BusValue, Variant } from "../constants/dbus.ts";
import { socketsOf } from "./address.ts";
import { BusConnection, BusError, withTimeout } from "./connection.ts";
import type { Header } from "./message.ts";

const SYSTEMD = "org.freedesktop.systemd1";
const MANAGER_PATH = "/org/freedesktop/systemd1";
const MANAGER = `${SYSTEMD}.Manager`;
const BUS = { destination: "org.freedesktop.DBus", path: "/org/freedesktop/DBus", interface: "org.freedesktop.DBus" };
/** How long systemd may take over a job. */
const JOB_TIMEOUT_MS = 30_000;

/** Which manager is asked: that of the system, or the one of a user. */
export type ManagerAddress =
  | { readonly user: false }
  | {
      readonly user: true;
      /** $XDG_RUNTIME_DIR */
      readonly runtimeDirectory: string | undefined;
      /** $DBUS_SESSION_BUS_ADDRESS */
      readonly busAddress: string | undefined;
    };

/** org.freedesktop.systemd1(5): a property of a unit, by its name on the bus. */
export interface UnitProperty extends Variant {
  readonly name: string;
}

interface Endpoint {
  readonly path: string;
  /** Without a bus between: no Hello, and no names. */
  readonly isDirect: boolean;
}

/** The manager of units, over a connection that is this object's own. */
export class Systemd implements Disposable {
  readonly #bus: Opened;
  /** 252 of `252.39-1~deb12u2`. */
  readonly version: number;
  /** Where the manager's cgroups begin, below the root of each hierarchy: "" or an absolute path. */
  readonly controlGroup: string;

  private constructor(bus: Opened, facts: { readonly version: number; readonly controlGroup: string }) {
    this.#bus = bus;
    this.version = facts.version;
    this.controlGroup = facts.controlGroup;
  }

  /** Connects to the first socket that answers. @throws {ContainerError} unavailable, naming the remedy */
  static async open(address: ManagerAddress): Promise<Systemd> {
    const tried: string[] = [];
    for (const endpoint of endpointsOf(address)) {
      try {
        return await Systemd.#openAt(endpoint);
      } catch (error) {
        tried.push(`${endpoint.path.replace("\0", "@")}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    throw unreachable(address, tried);
  }

  static async #openAt(endpoint: Endpoint): Promise<Systemd> {
    const opened = await openEndpoint(endpoint);
    try {
      const get = async (property: string) => await getProperty(opened, MANAGER_PATH, MANAGER, property);
      const [version, controlGroup] = await Promise.all([get("Version"), get("ControlGroup")]);
      const number = /\d+/.exec(String(version))?.[0];
      return new Systemd(opened, { version: Number(number ?? 0), controlGroup: String(controlGroup) });
    } catch (error) {
      opened.connection.close();
      throw error;
    }
  }

  /**
   * StartTransientUnit: makes a unit and waits until it is there. One that has failed under this name is reset before.
   * @throws {BusError} `org.freedesktop.systemd1.UnitExists` for a unit of somebody else's
   */
  async startTransientUnit(name: string, properties: readonly UnitProperty[]): Promise<void> {
    const start = async () => {
      const list = properties.map(({ name: property, signature, value }) => [property, { signature, value }]);
      await this.#runJob("StartTransientUnit", "ssa(sv)a(sa(sv))", [name, "replace", list, []]);
    };
    try {
      await start();
    } catch (error) {
      if (!isBusError(error, "UnitExists")) throw error;
      await this.resetFailedUnit(name);
      await start();
    }
  }

  /** StopUnit, and wait; that there is no such unit is no fault. */
  async stopUnit(name: string): Promise<void> {
    try {
      await this.#runJob("StopUnit", "ss", [name, "replace"]);
    } catch (error) {
      if (!isBusError(error, "NoSuchUnit")) throw error;
    }
  }

  /** ResetFailedUnit: a unit that has failed would stay for ever; of any other it is no fault. */
  async resetFailedUnit(name: string): Promise<void> {
    try {
      await this.#call("ResetFailedUnit", "s", [name]);
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
    }
  }

  /** SetUnitProperties, until the next boot; returns when they are in force. */
  async setUnitProperties(name: string, properties: readonly UnitProperty[]): Promise<void> {
    const list = properties.map(({ name: property, signature, value }) => [property, { signature, value }]);
    await this.#call("SetUnitProperties", "sba(sv)", [name, true, list]);
    // They are put into force between two messages: when the next one is answered, they are.
    await this.findDescription(name);
  }

  /** AttachProcessesToUnit: moves processes of ours into a unit's cgroup, or into the one `below` names: "" or "/…". */
  async attachProcesses(name: string, below: string, pids: readonly number[]): Promise<void> {
    await this.#call("AttachProcessesToUnit", "ssau", [name, below, pids]);
  }

  /** Absolute path of a unit's cgroup, as systemd sees it. */
  async controlGroupOf(name: string): Promise<string> {
    return String(await getProperty(this.#bus, unitPath(name), `${SYSTEMD}.Scope`, "ControlGroup"));
  }

  /** What a unit says it is; undefined when there is no such unit. */
  async findDescription(name: string): Promise<string | undefined> {
    try {
      return String(await getProperty(this.#bus, unitPath(name), `${SYSTEMD}.Unit`, "Description"));
    } catch (error) {
      if (error instanceof BusError) return undefined;
      throw error;
    }
  }

  /** Closes the connection. */
  close(): void {
    this.#bus.connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #runJob(member: string, signature: string, args: readonly BusValue[]): Promise<void> {
    const [job] = await this.#call(member, signature, args);
    const path = String(job);
    const result =
      this.#bus.ended.get(path) ??
      (await withTimeout(
        new Promise<string>((resolve) => this.#bus.waiting.set(path, resolve)),
        JOB_TIMEOUT_MS,
        `systemd did not finish ${member} of ${String(args[0])}`,
      ));
    if (result === "done") return;
    const hint = "its journal says why (journalctl -u, for the unit)";
    throw new ContainerError("internal", `${member} of ${String(args[0])} ended with "${result}": ${hint}`);
  }

  async #call(member: string, signature: string, args: readonly BusValue[]): Promise<readonly BusValue[]> {
    return await this.#bus.connection.call({ ...managerOf(this.#bus.isDirect), member, signature, args });
  }
}

/** Whether the manager has refused something with this error of its own. */
export function isBusError(error: unknown, name: string): boolean {
  return error instanceof BusError && error.error === `${SYSTEMD}.${name}`;
}

/** What a connection to a manager consists of. */
interface Opened {
  readonly connection: BusConnection;
  readonly isDirect: boolean;
  /** Results of jobs that have ended, by their paths: the signal may come before the answer that names the job. */
  readonly ended: Map<string, string>;
  readonly waiting: Map<string, (result: string) => void>;
}

async function openEndpoint({ path, isDirect }: Endpoint): Promise<Opened> {
  const ended = new Map<string, string>();
  const waiting = new Map<string, (result: string) => void>();
  const onSignal = ({ member, interface: from }: Header, body: readonly BusValue[]) => {
    if (member !== "JobRemoved" || from !== MANAGER) return;
    const [, job, , result] = body.map(String);
    if (job === undefined || result === undefined) return;
    ended.set(job, result);
    waiting.get(job)?.(result);
  };
  const connection = await BusConnection.open(path, onSignal);
  try {
    if (!isDirect) {
      const rule = `type='signal',sender='${SYSTEMD}',path='${MANAGER_PATH}',interface='${MANAGER}',member='JobRemoved'`;
      await Promise.all([
        connection.call({ ...BUS, member: "Hello" }),
        connection.call({ ...BUS, member: "AddMatch", signature: "s", args: [rule] }),
      ]);
    }
    return { connection, isDirect, ended, waiting };
  } catch (error) {
    connection.close();
    throw error;
  }
}

function managerOf(isDirect: boolean) {
  return { ...(isDirect ? {} : { destination: SYSTEMD }), path: MANAGER_PATH, interface: MANAGER };
}

async function getProperty(
  { connection, isDirect }: Opened,
  path: string,
  from: string,
  property: string,
): Promise<BusValue> {
  const [answer] = await connection.call({
    ...managerOf(isDirect),
    path,
    interface: "org.freedesktop.DBus.Properties",
    member: "Get",
    signature: "ss",
    args: [from, property],
  });
  return (answer as Variant).value;
}

/** org.freedesktop.systemd1(5): in the path of an object, what is no letter or digit stands as `_` and its code. */
export function unitPath(name: string): string {
  const escaped = Array.from(new TextEncoder().encode(name), (byte, index) => {
    const letter = String.fromCharCode(byte);
    const isPlain = index === 0 ? /[A-Za-z]/ : /[A-Za-z0-9]/;
    return isPlain.test(letter) ? letter : `_${byte.toString(16).padStart(2, "0")}`;
  });
  return `${MANAGER_PATH}/unit/${escaped.join("")}`;
}

function endpointsOf(address: ManagerAddress): readonly Endpoint[] {
  if (!address.user) {
    return [
      { path: "/run/dbus/system_bus_socket", isDirect: false },
      { path: "/run/systemd/private", isDirect: true },
    ];
  }
  const { runtimeDirectory, busAddress = "" } = address;
  const own = runtimeDirectory === undefined ? [] : [{ path: `${runtimeDirectory}/systemd/private`, isDirect: true }];
  const bus = runtimeDirectory === undefined ? [] : [{ path: `${runtimeDirectory}/bus`, isDirect: false }];
  return [...own, ...socketsOf(busAddress).map((path) => ({ path, isDirect: false })), ...bus];
}

function unreachable(address: ManagerAddress, tried: readonly string[]): ContainerError {
  const whose = address.user ? "the user's systemd" : "systemd";
  const login = address.user
    ? "log in through systemd-logind, or loginctl enable-linger, and set XDG_RUNTIME_DIR; "
    : "";
  const remedy = `${login}without --systemd-cgroup the cgroups are made by cgroupfs`;
  const where = tried.length === 0 ? "neither XDG_RUNTIME_DIR nor DBUS_SESSION_BUS_ADDRESS is set" : tried.join("; ");
  return new ContainerError("unavailable", `cannot reach ${whose} over D-Bus: ${where} (${remedy})`);
}
