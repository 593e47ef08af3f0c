import { pointerTo } from "../json-pointer.ts";
import type { Hook, Hooks } from "../spec/config.ts";
import { HOOK_BYTES, HOOK_INPUT_BYTES, HOOK_TIMEOUT } from "./layout.ts";
import { MESSAGE_HOOKS, message, receiveAnswer, sendMessage } from "./messages.ts";
import type { Purpose, Step, Struct } from "./step.ts";

/** The hooks that run in the container's namespaces, by init itself. */
export type InitHooks = "createContainer" | "startContainer";

/** An array of strings in the program. */
type Pointed = Struct | { readonly kind: "strings"; readonly values: readonly string[] };

const NO_ENVIRONMENT: Pointed = { kind: "strings", values: [] };

/**
 * config.md § POSIX-platform Hooks: one step a hook, with the state of the container for its standard input. `environment` is
 * that of those that name none.
 */
export function compileInitHooks(
  kind: InitHooks,
  hooks: Hooks,
  { state, environment = NO_ENVIRONMENT }: { readonly state: string; readonly environment?: Pointed },
): readonly Step[] {
  return (hooks[kind] ?? []).map((hook, index) => {
    const from = pointerTo(`/hooks/${kind}`, index);
    const purpose: Purpose = { doing: `run the ${kind} hook ${hook.path}`, from, path: hook.path };
    return { call: "runHook", args: [hookStruct(hook, state, environment)], purpose };
  });
}

/** Waits until the runtime has run the hooks that are its own: `prestart` and `createRuntime`. */
export function awaitRuntimeHooks(hooks: Hooks): readonly Step[] {
  if ((hooks.prestart ?? []).length + (hooks.createRuntime ?? []).length === 0) return [];
  const purpose: Purpose = { doing: "wait for the hooks of the runtime", from: "/hooks" };
  return [sendMessage(message(MESSAGE_HOOKS, "MESSAGE_HOOKS"), purpose), receiveAnswer(purpose)];
}

/** `struct hook` of native/program.h. */
function hookStruct(hook: Hook, state: string, environment: Pointed): Struct {
  const bytes = new Uint8Array(HOOK_BYTES);
  const view = new DataView(bytes.buffer);
  const args = hook.args === undefined || hook.args.length === 0 ? [hook.path] : hook.args;
  view.setBigUint64(HOOK_INPUT_BYTES, BigInt(new TextEncoder().encode(state).length), true);
  view.setBigInt64(HOOK_TIMEOUT, hook.timeout === undefined ? -1n : BigInt(hook.timeout * 1000), true);
  return {
    kind: "struct",
    bytes,
    pointers: [
      { at: 0, to: hook.path },
      { at: 8, to: { kind: "strings", values: args } },
      { at: 16, to: hook.env === undefined ? environment : { kind: "strings", values: hook.env } },
      { at: 24, to: state },
    ],
    describe: () => `{${JSON.stringify(hook.path)}, ${JSON.stringify(args)}, timeout=${hook.timeout ?? "none"}}`,
  };
}
