import { ContainerError } from "../errors.ts";
import { propertyPath } from "../json-pointer.ts";
import { findText, writeText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { readNames } from "../linux/process-info.ts";
import { spawned } from "../linux/spawned.ts";
import type { Purpose, RuntimeStep } from "../plan/step.ts";

/** A helper that maps ids has nothing to wait for. */
const HELPER_TIMEOUT_MS = 10_000;

/** Does what a plan has the runtime itself do. @throws {ContainerError} naming the property */
export async function runRuntimeStep(kernel: Kernel, step: RuntimeStep): Promise<void> {
  const { args, purpose } = step;
  const [path, value] = args;
  if (typeof path !== "string") throw new TypeError(`internal error: ${step.call} without a path`);
  try {
    if (typeof value === "string") writeText(kernel, path, value);
    else if (typeof value === "object" && value.kind === "strings") await runHelper(kernel, path, value.values);
    else throw new TypeError(`internal error: nothing to do for ${step.call}`);
  } catch (error) {
    throw refused(purpose, error);
  }
}

function refused({ doing, from }: Purpose, cause: unknown): ContainerError {
  return new ContainerError("internal", `cannot ${doing} (${propertyPath(from)})`, { cause });
}

/** Runs a program of the host with an empty environment to its end. @throws {ContainerError} with what it said */
async function runHelper(kernel: Kernel, path: string, argv: readonly string[]): Promise<void> {
  const [name = path, ...args] = argv;
  const child = spawned(
    Bun.spawn({
      cmd: [path, ...args],
      argv0: name,
      env: {},
      cwd: "/",
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      timeout: HELPER_TIMEOUT_MS,
    }),
  );
  const [said, status] = await Promise.all([child.stderr.text(), child.exited]);
  if (status === 0) return;
  const how = child.exitCode === null ? `${name} did not end in time` : `${name}: exit status ${status}`;
  const words = said.trim().replaceAll(/\s*\n\s*/g, "; ");
  throw new ContainerError("permission_denied", `${words === "" ? how : words}${grantsOf(kernel, name)}`);
}

/** subuid(5): what newuidmap(1) and newgidmap(1) go by, and what there is of it for this user. */
function grantsOf(kernel: Kernel, tool: string): string {
  const file = tool === "newuidmap" ? "/etc/subuid" : "/etc/subgid";
  const uid = String(kernel.call("geteuid"));
  const user = readNames(kernel, "/etc/passwd").get(Number(uid)) ?? uid;
  const lines = (findText(kernel, file, "ENOENT", "EACCES") ?? "").split("\n");
  const grants = lines.filter((line) => line.startsWith(`${user}:`) || line.startsWith(`${uid}:`));
  return `: ${file} gives user ${user} ${grants.length === 0 ? "no ids" : grants.join(", ")}`;
}
