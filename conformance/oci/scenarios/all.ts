import type { Scenario } from "../stage.ts";
import { descriptorScenarios } from "./descriptors.ts";
import { hookScenarios } from "./hooks.ts";
import { lifecycleScenarios } from "./lifecycle.ts";
import { operationScenarios } from "./operations.ts";

/** Every scenario, in the order in which they are played. */
export const allScenarios: readonly Scenario[] = [
  ...lifecycleScenarios,
  ...operationScenarios,
  ...descriptorScenarios,
  ...hookScenarios,
];
