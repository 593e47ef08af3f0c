import { ContainerError, explain } from "../errors.ts";
import { locateCgroups, recordCgroups } from "./cgroup-path.ts";
import { type ContainerRecord, readContainerConfig, removeContainerDirectory } from "./container-store.ts";
import { destroy } from "./destroy.ts";
import type { RuntimeOptions } from "./options.ts";

/**
 * Removes a container whose record is damaged. Its config, which is kept apart, says where its cgroups are, and in them are
 * its processes. A record was written, so they are its own: `create` refuses cgroups that somebody else is in.
 */
export async function removeDamaged(options: RuntimeOptions, id: string): Promise<void> {
  const record = rebuildRecord(options, id);
  if (record !== undefined) return await destroy(options, record);
  options.warn(`cannot find the processes and cgroups of container ${id}: all that said where they are is damaged`);
  removeContainerDirectory(options, id);
}

/** What is needed to destroy it; undefined when the config does not say where its cgroups are. */
function rebuildRecord(options: RuntimeOptions, id: string): ContainerRecord | undefined {
  try {
    const { config } = readContainerConfig(options, id);
    const path = config.linux?.cgroupsPath ?? "";
    // A unit of systemd has a name that systemd alone can place.
    if (options.systemdCgroup || path.includes(":")) return undefined;
    const cgroups = recordCgroups(locateCgroups(options.kernel, path, id));
    const { ociVersion, hooks } = config;
    const unknown = { bundle: "", rootfs: "", created: "", program: "", namespaces: [], ownPidNamespace: false };
    const poststop = hooks?.poststop;
    return { ...unknown, ociVersion, id, cgroups, ...(poststop === undefined ? {} : { hooks: { poststop } }) };
  } catch (error) {
    if (!(error instanceof ContainerError)) throw error;
    options.debug(explain(error));
    return undefined;
  }
}
