import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../harness/process.ts";
import { cgroupsNamed, type Workspace } from "../harness/workspace.ts";
import type { Verdict } from "./check-plan.ts";

const UNCLEAR = /internal error|TypeError|undefined|\[object |NaN/;

/** Where one runtime makes containers of whatever config.json it is given. */
export interface CreateSite {
  readonly runtime: string;
  readonly workspace: Workspace;
  /** Its config.json is written anew each time. */
  readonly bundle: string;
}

/**
 * Makes a container of a config.json and deletes it.
 * @throws {Error} for a crash, an unclear error, or anything that is left over
 */
export async function checkCreate({ runtime, workspace, bundle }: CreateSite, text: string): Promise<Verdict> {
  writeFileSync(join(bundle, "config.json"), text);
  const command = [runtime, "--root", join(workspace.folder, "state")];
  const options = { scratch: workspace.folder };
  const before = mounts();
  const created = await run([...command, "create", "--bundle", bundle, "fuzz"], options);
  if (created.status !== 0) checkFailure(created.status, created.stderr);
  const deleted = await run([...command, "delete", "--force", "fuzz"], options);
  if (deleted.status !== 0 || deleted.stderr !== "") throw new Error(`delete: ${deleted.status} ${deleted.stderr}`);
  const listed = await run([...command, "list", "--quiet"], options);
  if (listed.stdout !== "") throw new Error(`still listed: ${listed.stdout}`);
  // Its parent, made on the way, is not the container's own.
  const cgroups = cgroupsNamed(`${workspace.tag}/fuzz`);
  if (cgroups.length > 0) throw new Error(`cgroups left: ${cgroups.join(" ")}`);
  // One of the host's goes away here, too, when its directory is removed there.
  const left = mounts().filter((mount) => !before.includes(mount));
  if (left.length > 0) throw new Error(`mounts left: ${left.join(", ")}`);
  return created.status === 0 ? "compiled" : "refused";
}

/** Number and place of every mount. */
function mounts(): readonly string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").trim().split("\n");
  return lines.map((line) => line.split(" ")).map(([number, , , , place]) => `${number} ${place}`);
}

function checkFailure(status: number, stderr: string): void {
  const errors = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("tsrun: warning: "));
  const [error = ""] = errors;
  const clear =
    errors.length === 1 && error.startsWith("tsrun: ") && !UNCLEAR.test(error.replace(/"(\\.|[^"\\])*"/g, '""'));
  if (status !== 1 || !clear) throw new Error(`create: status ${status}, ${JSON.stringify(stderr.slice(0, 2000))}`);
}
