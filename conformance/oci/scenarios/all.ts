import type { Scenario } from "../stage.ts";
import { cgroupScenarios } from "./cgroups.ts";
import { configScenarios } from "./config.ts";
import { descriptorScenarios } from "./descriptors.ts";
import { featureScenarios } from "./features.ts";
import { hookScenarios } from "./hooks.ts";
import { lifecycleScenarios } from "./lifecycle.ts";
import { linuxScenarios } from "./linux.ts";
import { mountOptionScenarios } from "./mount-options.ts";
import { namespaceScenarios } from "./namespaces.ts";
import { operationScenarios } from "./operations.ts";
import { processScenarios } from "./process.ts";
import { seccompScenarios } from "./seccomp.ts";

/** Every scenario, in the order in which they are played. */
export const allScenarios: readonly Scenario[] = [
  ...lifecycleScenarios,
  ...operationScenarios,
  ...descriptorScenarios,
  ...configScenarios,
  ...mountOptionScenarios,
  ...processScenarios,
  ...hookScenarios,
  ...linuxScenarios,
  ...namespaceScenarios,
  ...cgroupScenarios,
  ...seccompScenarios,
  ...featureScenarios,
];
