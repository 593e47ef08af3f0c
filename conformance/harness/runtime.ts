import { existsSync, readFileSync } from "node:fs";
import { basename, isAbsolute, resolve } from "node:path";

/** A runtime under test: the words in front of its own arguments. */
export interface Runtime {
  readonly name: string;
  readonly path: string;
  readonly prefix: readonly string[];
}

/** True where both cgroup v1 controllers and a unified hierarchy are mounted, which crun refuses. */
export function isHybridCgroup(): boolean {
  return existsSync("/sys/fs/cgroup/unified/cgroup.procs") && existsSync("/sys/fs/cgroup/memory");
}

/** The words that run a command in a mount namespace without the unified hierarchy. */
export const WITHOUT_UNIFIED: readonly string[] = [
  "unshare",
  "-m",
  "--propagation",
  "private",
  "sh",
  "-c",
  'umount /sys/fs/cgroup/unified && exec "$@"',
  "sh",
];

/** The file `name` stands for: a path, or a program on PATH. */
export function findProgram(name: string): string | undefined {
  if (!name.includes("/")) return Bun.which(name) ?? undefined;
  const path = isAbsolute(name) ? name : resolve(name);
  return existsSync(path) ? path : undefined;
}

/** The runtime `name` stands for, or undefined where it is not there. crun gets a namespace it accepts. */
export function findRuntime(name: string): Runtime | undefined {
  const path = findProgram(name);
  if (path === undefined) return undefined;
  const needsWrapper = basename(path) === "crun" && isHybridCgroup();
  return { name: basename(path), path, prefix: [...(needsWrapper ? WITHOUT_UNIFIED : []), path] };
}

/** The first line of `--version`. */
export function versionOf(runtime: Runtime): string {
  const result = Bun.spawnSync({ cmd: [runtime.path, "--version"], stdout: "pipe", stderr: "ignore" });
  return result.stdout.toString().split("\n")[0] ?? "";
}

/** Which runc's ways a `--version` speaks of: those of 1.1, or of later ones. */
export function runcLine(version: string): "1.1" | "later" {
  return /\bversion 1\.1\./.test(version) ? "1.1" : "later";
}

/** /proc/PID/cgroup of this process: controller list → path. */
export function ownCgroups(): ReadonlyMap<string, string> {
  const lines = readFileSync("/proc/self/cgroup", "utf8").trim().split("\n");
  return new Map(
    lines.map((line) => {
      const [, controllers = "", ...path] = line.split(":");
      return [controllers, path.join(":")];
    }),
  );
}
