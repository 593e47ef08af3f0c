import { ContainerError } from "../errors.ts";
import { pointerTo, propertyPath } from "../json-pointer.ts";
import { spawned } from "../linux/spawned.ts";
import type { Hook } from "../spec/config.ts";
import type { State } from "../spec/state.ts";
import { hookFailure } from "./step-error.ts";

/** The hooks this process runs in its own namespaces. */
export type RuntimeHooks = "prestart" | "createRuntime" | "poststart" | "poststop";

/**
 * config.md § POSIX-platform Hooks: in their order, each with the state on its standard input, and with the listed
 * environment alone: nothing of ours, and nothing of the container's, reaches it.
 * @throws {ContainerError} for the first that fails; the others are not run then
 */
export async function runHooks(kind: RuntimeHooks, hooks: readonly Hook[] | undefined, state: State): Promise<void> {
  for (const [index, hook] of (hooks ?? []).entries()) {
    const failure = await tryHook(pointerTo(`/hooks/${kind}`, index), hook, state);
    if (failure !== undefined) throw failure;
  }
}

/** Runs all hooks of a kind, and gives a warning for each that fails. */
export async function runAllHooks(
  kind: RuntimeHooks,
  hooks: readonly Hook[] | undefined,
  state: State,
  warn: (message: string) => void,
): Promise<void> {
  for (const [index, hook] of (hooks ?? []).entries()) {
    const failure = await tryHook(pointerTo(`/hooks/${kind}`, index), hook, state);
    if (failure !== undefined) warn(failure.message);
  }
}

async function tryHook(pointer: string, hook: Hook, state: State): Promise<ContainerError | undefined> {
  const why = await runHook(hook, state);
  if (why === undefined) return undefined;
  return new ContainerError("internal", `${hookFailure(pointer, hook.path)} (${propertyPath(pointer)}): ${why}`);
}

/** What a hook prints is shown up to here when it fails. */
const MAX_OUTPUT_CHARS = 1_000;
/** How long the end of that is waited for when the hook itself has ended. */
const DRAIN_MS = 100;

/** Why it failed; undefined when it did not. */
async function runHook(hook: Hook, state: State): Promise<string | undefined> {
  const [name = hook.path, ...args] = hook.args ?? [];
  let timedOut = false;
  try {
    const child = spawned(
      Bun.spawn({
        cmd: [hook.path, ...args],
        argv0: name,
        cwd: state.bundle,
        env: environment(hook.env ?? []),
        stdin: new TextEncoder().encode(JSON.stringify(state)),
        stdout: "pipe",
        stderr: "pipe",
      }),
    );
    const timer = startTimer(hook.timeout, () => {
      timedOut = true;
      child.kill("SIGKILL");
    });
    const output = Promise.all([child.stderr.text(), child.stdout.text()]);
    const status = await child.exited;
    clearTimeout(timer);
    if (status === 0) return undefined;
    if (timedOut) return `it did not end within ${hook.timeout} s`;
    // What a hook leaves running may hold its output open: that is not waited for.
    const printed = await Promise.race([output, new Promise<string[]>((resolve) => setTimeout(resolve, DRAIN_MS, []))]);
    const said = printed.join("").trim().slice(0, MAX_OUTPUT_CHARS);
    const how = child.signalCode === null ? `exit status ${status}` : `killed by ${child.signalCode}`;
    return said === "" ? how : `${how}: ${said}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function startTimer(seconds: number | undefined, onEnd: () => void): Timer | undefined {
  return seconds === undefined ? undefined : setTimeout(onEnd, seconds * 1_000);
}

function environment(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}
