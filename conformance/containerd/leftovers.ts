import { existsSync, readdirSync, readFileSync } from "node:fs";
import { waitUntil } from "../harness/poll.ts";
import { cgroupsNamed, isAlive, processesNamed } from "../harness/workspace.ts";
import type { Daemon } from "./daemon.ts";

const SOCKETS = "/run/containerd/s";
const STATE = "/run/containerd/tsrun/default";
/** How long containerd may take to tidy up after a task. */
const SETTLE_MS = 60_000;

/** The socket of the shim of a container of this suite, as containerd's shims name it. */
export function shimSocket(daemon: Daemon, id: string): string {
  const name = new Bun.CryptoHasher("sha256").update(`${daemon.address}/default/${id}`).digest("hex");
  return `${SOCKETS}/${name}`;
}

/** Everything whose name has the tag of a check. */
function findLeft(daemon: Daemon, tag: string): readonly string[] {
  const named = (folder: string) =>
    (existsSync(folder) ? readdirSync(folder) : []).filter((name) => name.includes(tag));
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(tag));
  // `ctr` itself may still be ending.
  const shims = processesNamed([`-id ${tag}`, `\0${tag}-`]).filter(isAlive);
  return [
    ...shims.map((pid) => `process ${pid}: ${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")}`),
    ...mounts.map((line) => `mount ${line}`),
    ...cgroupsNamed(`${tag}-`).map((path) => `cgroup ${path}`),
    ...named(STATE).map((name) => `state ${name}`),
    ...named(daemon.bundle(".")).map((name) => `bundle ${name}`),
    ...["c"].map((name) => shimSocket(daemon, `${tag}-${name}`)).filter((path) => existsSync(path)),
  ];
}

/** Fails when a check has left something behind. @throws {Error} that names it */
export async function expectNothingLeft(daemon: Daemon, tag: string): Promise<void> {
  await waitUntil("clean machine", () => findLeft(daemon, tag).length === 0, SETTLE_MS).catch(() => undefined);
  const left = findLeft(daemon, tag);
  if (left.length > 0) throw new Error(`left behind:\n${left.join("\n")}`);
}
