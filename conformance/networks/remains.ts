import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { mountsBelow } from "../harness/workspace.ts";

/** What containers can leave in a daemon's folder: leases of addresses, records, files and namespaces. */
export function remainsIn(folder: string): readonly string[] {
  const leases = join(folder, "state/networks/leases");
  const addresses = filesBelow(leases).filter((name) => /\/[\d.]+$/.test(name));
  const records = filesBelow(join(folder, "root/networks"));
  const names = filesBelow(join(folder, "state/networks/containers"));
  return [...addresses, ...records, ...names, ...mountsBelow(folder)];
}

function filesBelow(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}
