import { type ContainerState, stateOf } from "./container-status.ts";
import { readRecord } from "./container-store.ts";
import type { RuntimeOptions } from "./options.ts";

/** runtime.md § Query State. @throws {ContainerError} not_found */
export function getState(options: RuntimeOptions, id: string): ContainerState {
  return stateOf(options, readRecord(options, id));
}
