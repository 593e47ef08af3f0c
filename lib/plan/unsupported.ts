import { ContainerError } from "../errors.ts";
import type { Config } from "../spec/config.ts";

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
  ];
  const refused = asked.filter(([, isAsked]) => isAsked).map(([property]) => property);
  if (refused.length === 0) return;
  throw new ContainerError("unimplemented", `cannot create the container: not supported: ${refused.join(", ")}`);
}
