import { readlinkSync } from "node:fs";
import { waitUntil } from "../../harness/poll.ts";
import type { Stage } from "../stage.ts";

/** unshare(1): options that make a namespace of each type. */
const UNSHARE: Readonly<Record<string, readonly string[]>> = {
  ipc: ["--ipc"],
  net: ["--net"],
  uts: ["--uts"],
  pid: ["--pid", "--fork"],
  mnt: ["--mount", "--propagation", "private"],
  cgroup: ["--cgroup"],
};

/**
 * A process in a new namespace of a kind, as /proc/PID/ns names it, for as long as the scenario runs. `prepare` is shell
 * that runs in it first. Returns its pid when the namespace is there.
 */
export async function holdNamespace(stage: Stage, kind: string, prepare = "true"): Promise<number> {
  const script = `${prepare} && echo ready && exec sleep 1000`;
  const child = Bun.spawn(["unshare", ...(UNSHARE[kind] ?? []), "--", "sh", "-c", script], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  stage.defer(() => child.kill("SIGKILL"));
  const reader = child.stdout.getReader();
  const { done } = await reader.read();
  if (done) throw new Error(`cannot make a namespace of the kind ${kind}: ${prepare} failed`);
  const own = readlinkSync(`/proc/self/ns/${kind}`);
  await waitUntil(`namespace ${kind}`, () => readlinkSync(`/proc/${child.pid}/ns/${kind}`) !== own);
  return child.pid;
}
