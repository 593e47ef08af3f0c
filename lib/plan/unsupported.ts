import { ContainerError } from "../errors.ts";
import { propertyPath } from "../json-pointer.ts";
import type { Config } from "../spec/config.ts";
import { planMounts, unsupportedOptions } from "./mounts.ts";

/**
 * Nothing a config asks for is passed over in silence: what no step exists for is refused by name.
 * @throws {ContainerError} unimplemented
 */
export function refuseUnsupported(config: Config): void {
  const linux = config.linux ?? {};
  const hasMounts = (linux.namespaces ?? []).some(({ type }) => type === "mount");
  const asked: readonly (readonly [property: string, isAsked: boolean])[] = [
    // They would be made on the host.
    ["mounts without a mount namespace", !hasMounts && (config.mounts ?? []).length > 0],
    ["root.readonly without a mount namespace", !hasMounts && config.root.readonly === true],
    ["process.apparmorProfile", config.process?.apparmorProfile !== undefined],
    ["process.selinuxLabel", config.process?.selinuxLabel !== undefined],
    ["linux.mountLabel", linux.mountLabel !== undefined],
    ["linux.netDevices", Object.keys(linux.netDevices ?? {}).length > 0],
    ["linux.intelRdt", linux.intelRdt !== undefined],
  ];
  const mounts = planMounts(config.mounts ?? []).flatMap((mount) =>
    unsupportedOptions(mount).map((option) => `${option} of ${propertyPath(mount.purpose.from)}`),
  );
  const refused = [...asked.filter(([, isAsked]) => isAsked).map(([property]) => property), ...mounts];
  if (refused.length === 0) return;
  throw new ContainerError("unimplemented", `cannot create the container: not supported: ${refused.join(", ")}`);
}
