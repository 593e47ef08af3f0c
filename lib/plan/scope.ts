import { MESSAGE_BYTES } from "./messages.ts";
import { CONTROL, type Purpose, register, type Step, type Struct } from "./step.ts";
import type { ScopeProperty } from "./systemd/properties.ts";

/** What the runtime asks of systemd while setup waits: a property of the unit, or its start with all of them. */
export interface ScopeStep {
  readonly call: "property" | "StartTransientUnit";
  /** The arguments, for a reader. */
  readonly text: readonly string[];
  readonly purpose: Purpose;
  readonly property?: ScopeProperty;
}

const AWAIT: Purpose = { doing: "wait until systemd has taken this process into the unit", from: "/linux/cgroupsPath" };

/** Setup is the first process of its container's scope: a scope is made for a process that is there. */
export function awaitScope(): readonly Step[] {
  const answer: Struct = { kind: "struct", bytes: new Uint8Array(MESSAGE_BYTES), describe: () => "answer" };
  return [{ call: "read", args: [register(CONTROL), answer, MESSAGE_BYTES], failOnZero: true, purpose: AWAIT }];
}

/** How many steps of setup are done when the runtime asks systemd; none when it does not. */
export function stepsBeforeScope(setup: readonly Step[]): number {
  return setup.findIndex(({ purpose }) => purpose === AWAIT) + 1;
}
