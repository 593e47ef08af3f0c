import { ContainerError } from "../errors.ts";
import { propertyPath } from "../json-pointer.ts";
import { SIGNALS } from "../linux/constants/processes.ts";
import { isBusError, type ManagerAddress, Systemd } from "../linux/dbus/systemd.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { isDirectory, readText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { filesV2 } from "../plan/cgroup/v2.ts";
import type { CgroupHost } from "../plan/host.ts";
import { MESSAGE_BYTES } from "../plan/messages.ts";
import type { ScopeStep } from "../plan/scope.ts";
import { compileScope, scopeDescription } from "../plan/systemd/compile.ts";
import { resourceProperties } from "../plan/systemd/properties.ts";
import { type ScopeName, scopeName } from "../plan/systemd/unit.ts";
import type { Config } from "../spec/config.ts";
import type { LinuxResources } from "../spec/resources.ts";
import { placeCgroups } from "./cgroup-path.ts";
import type { CgroupRecord, ContainerRecord } from "./container-store.ts";
import type { Progress } from "./follow-program.ts";
import type { RuntimeOptions } from "./options.ts";

type ScopeRecord = NonNullable<CgroupRecord["scope"]>;

/** The systemd unit of a container that is being made, with a connection to its manager. */
export class ContainerScope implements Disposable {
  readonly name: ScopeName;
  readonly cgroups: CgroupHost;
  /** What start() asks of systemd. */
  readonly steps: readonly ScopeStep[];
  readonly record: ScopeRecord;
  readonly #systemd: Systemd;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel, systemd: Systemd, plan: Pick<ContainerScope, "name" | "cgroups" | "steps" | "record">) {
    this.#kernel = kernel;
    this.#systemd = systemd;
    this.name = plan.name;
    this.cgroups = plan.cgroups;
    this.steps = plan.steps;
    this.record = plan.record;
  }

  /**
   * Makes the unit with the setup process in it, which waits for that and goes on then. When it fails, setup is killed:
   * it would wait for ever.
   * @throws {ContainerError} what systemd says
   */
  async start(setupPid: number, control: OwnedFd, progress: Progress): Promise<void> {
    const { name } = this.name;
    try {
      await this.#startUnit(setupPid, progress);
      const directory = this.name.path;
      const found = await this.#systemd.controlGroupOf(name);
      if (found !== `${this.#systemd.controlGroup}${directory}`) {
        throw new ContainerError(
          "internal",
          `its cgroup is ${JSON.stringify(found)}, not ${JSON.stringify(directory)}`,
        );
      }
    } catch (cause) {
      this.#kernel.call("kill", setupPid, SIGNALS.SIGKILL);
      throw unitError(`cannot start the systemd unit ${name} (linux.cgroupsPath)`, cause);
    }
    goOn(this.#kernel, control);
  }

  async #startUnit(setupPid: number, progress: Progress): Promise<void> {
    const properties = this.steps.flatMap(({ property }) => property ?? []);
    const pids = { name: "PIDs", signature: "au", value: [setupPid] };
    try {
      await this.#systemd.startTransientUnit(this.name.name, [...properties, pids]);
    } catch (error) {
      // Whose unit it is, its cgroup is, too: nothing of it is to be removed.
      if (isBusError(error, "UnitExists")) {
        const { scope: _scope, ...cgroups } = progress.record.cgroups;
        progress.record = { ...progress.record, cgroups: { ...cgroups, directories: [] } };
      }
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#systemd.close();
  }
}

/**
 * Finds the manager and what the unit of a container is to be. Changes nothing.
 * @throws {ContainerError} unavailable where there is no systemd; invalid_argument for a path that names no unit
 */
export async function openScope(options: RuntimeOptions, config: Config, id: string): Promise<ContainerScope> {
  const { kernel } = options;
  const user = isRootless(kernel);
  const name = scopeName(config.linux?.cgroupsPath ?? "", id, user ? "user.slice" : "system.slice");
  const systemd = await openManager(options, user);
  try {
    const cgroups = placeCgroups(kernel, `${systemd.controlGroup}${name.path}`, true);
    if (user) refuseUndelegated(kernel, cgroups, systemd.controlGroup, config.linux?.resources ?? {});
    const facts = { mode: cgroups.mode, version: systemd.version };
    const steps = compileScope(config, id, name, facts);
    return new ContainerScope(kernel, systemd, { name, cgroups, steps, record: { name: name.name, user } });
  } catch (error) {
    systemd.close();
    throw error;
  }
}

/** systemd.resource-control(5), Delegate: a user's manager has those controllers that the system's has given it. */
function refuseUndelegated(kernel: Kernel, cgroups: CgroupHost, from: string, resources: LinuxResources): void {
  if (cgroups.mode === "v1") return;
  const has = readText(kernel, `${cgroups.mountPoint}${from}/cgroup.controllers`).trim().split(" ");
  const lacking = filesV2(resources).find((file) => file.controller !== "cgroup" && !has.includes(file.controller));
  if (lacking === undefined) return;
  const { controller } = lacking;
  const why = `the ${controller} controller is not delegated to this user`;
  const names = [...has, controller].filter((name) => name !== "").join(" ");
  const remedy = `as root: systemctl edit user@.service, with [Service] Delegate=${names}, and log in again`;
  throw new ContainerError("failed_precondition", `cannot apply ${propertyPath(lacking.from)}: ${why} (${remedy})`);
}

/**
 * Stops the unit of a container whose processes have ended, and forgets one that has failed. Without systemd it is gone
 * when it is empty, so that this is no reason to keep the container.
 */
export async function removeScope(options: RuntimeOptions, record: ContainerRecord, scope: ScopeRecord): Promise<void> {
  try {
    using systemd = await openManager(options, scope.user);
    // Before init was born the runtime may have been killed: then the unit of this name may be somebody else's.
    const isOurs =
      record.init !== undefined || (await systemd.findDescription(scope.name)) === scopeDescription(record.id);
    if (!isOurs) return;
    await systemd.stopUnit(scope.name);
    await systemd.resetFailedUnit(scope.name);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    options.warn(`cannot stop the systemd unit ${scope.name}: ${why}`);
  }
}

/** A program that waits, and the cgroup it is to be in. */
interface Attached {
  readonly cgroups: CgroupHost;
  readonly pid: number;
  readonly control: OwnedFd;
}

/**
 * Has the user's manager move a process into a unit of its own: from a session to there the user may not (cgroups(7),
 * delegation containment). When it fails, the program is killed: it would wait for ever.
 * @throws {ContainerError} what systemd says
 */
export async function attachToScope(
  options: RuntimeOptions,
  { scope, directories }: CgroupRecord,
  { cgroups, pid, control }: Attached,
): Promise<void> {
  if (scope === undefined) return;
  const [own = ""] = directories;
  const below = cgroups.mode === "v2" && cgroups.directory.startsWith(own) ? cgroups.directory.slice(own.length) : "";
  try {
    using systemd = await openManager(options, scope.user);
    await systemd.attachProcesses(scope.name, below, [pid]);
  } catch (cause) {
    options.kernel.call("kill", pid, SIGNALS.SIGKILL);
    throw unitError(`cannot join the systemd unit ${scope.name}`, cause);
  }
  goOn(options.kernel, control);
}

/** What a program that waits for its unit is told. */
function goOn(kernel: Kernel, control: OwnedFd): void {
  const answer = new Uint8Array(MESSAGE_BYTES);
  kernel.call("sendto", control.number, answer, answer.length, 0, 0, 0);
}

/** Tells systemd of changed limits, so that it does not take them back. @throws {ContainerError} what systemd says */
export async function updateScope(
  options: RuntimeOptions,
  scope: ScopeRecord,
  mode: "v1" | "v2",
  resources: LinuxResources,
): Promise<void> {
  using systemd = await openManager(options, scope.user);
  const properties = resourceProperties(resources, { mode, version: systemd.version });
  if (properties.length === 0) return;
  try {
    await systemd.setUnitProperties(scope.name, properties);
  } catch (cause) {
    throw unitError(`cannot set the properties of the systemd unit ${scope.name}`, cause);
  }
}

async function openManager({ kernel, session }: RuntimeOptions, user: boolean): Promise<Systemd> {
  const { runtimeDirectory, busAddress } = session ?? {};
  const address: ManagerAddress = user ? { user, runtimeDirectory, busAddress } : { user };
  // sd_booted(3)
  if (!isDirectory(kernel, "/run/systemd/system")) {
    const remedy = "without --systemd-cgroup the cgroups are made by cgroupfs";
    throw new ContainerError(
      "unavailable",
      `cannot use --systemd-cgroup: systemd does not run on this host (${remedy})`,
    );
  }
  return await Systemd.open(address);
}

function unitError(what: string, cause: unknown): ContainerError {
  return new ContainerError("internal", what, { cause });
}

/** Neither the host's root nor one of a namespace that has all of the host's ids. */
function isRootless(kernel: Kernel): boolean {
  const euid = /^Uid:\s+\d+\s+(\d+)/m.exec(readText(kernel, "/proc/self/status"))?.[1];
  const isInitial = /^\s*0\s+0\s+4294967295\s*$/.test(readText(kernel, "/proc/self/uid_map"));
  return euid !== "0" || !isInitial;
}
