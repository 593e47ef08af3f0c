import type { Config, Process } from "../config.ts";
import type { LinuxResources } from "../resources.ts";
import { type Rule, rulesOf } from "../rule.ts";
import { annotationRules } from "./annotations.ts";
import { deviceRules } from "./devices.ts";
import { idMappingRules } from "./id-mappings.ts";
import { linuxRules } from "./linux.ts";
import { mountRules } from "./mounts.ts";
import { namespaceRules } from "./namespaces.ts";
import { processRules as rulesOfProcess } from "./process.ts";
import { resourcesRules as rulesOfResources } from "./resources.ts";
import { seccompRules } from "./seccomp.ts";
import { sysctlRules } from "./sysctl.ts";

export const processRules: readonly Rule<Process>[] = rulesOfProcess;
export const resourcesRules: readonly Rule<LinuxResources>[] = rulesOfResources;

/** Every rule of a config.json beyond its schema. */
export const configRules: readonly Rule<Config>[] = [
  ...rulesOf("/process", (config: Config) => config.process, processRules),
  ...mountRules,
  ...annotationRules,
  ...namespaceRules,
  ...idMappingRules,
  ...sysctlRules,
  ...rulesOf("/linux", (config: Config) => config.linux, linuxRules),
  ...rulesOf("/linux/devices", (config: Config) => config.linux?.devices, deviceRules),
  ...rulesOf("/linux/resources", (config: Config) => config.linux?.resources, resourcesRules),
  ...rulesOf("/linux/seccomp", (config: Config) => config.linux?.seccomp, seccompRules),
];
