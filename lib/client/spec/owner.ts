import type { Container } from "../tasks.ts";
import { readSpec } from "./read-spec.ts";

/** The user and the group of the host that are root in a container: `linux.uidMappings` and `linux.gidMappings`. */
export function ownerInside(container: Container): { readonly uid: number; readonly gid: number } {
  const { uidMappings, gidMappings } = readSpec(container)?.linux ?? {};
  return { uid: hostIdOfRoot(uidMappings), gid: hostIdOfRoot(gidMappings) };
}

type Mappings = readonly { readonly containerID: number; readonly hostID: number }[];

function hostIdOfRoot(mappings: Mappings | undefined): number {
  const hostId = Array.isArray(mappings) ? mappings.find(({ containerID }) => containerID === 0)?.hostID : undefined;
  return typeof hostId === "number" ? hostId : 0;
}
