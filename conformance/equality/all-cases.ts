import { capabilityCases } from "./cases/capabilities.ts";
import { descriptorCases } from "./cases/descriptors.ts";
import { errorCases } from "./cases/errors.ts";
import { exitCases } from "./cases/exits.ts";
import { hookCases } from "./cases/hooks.ts";
import { cgroupCases, deviceCases, kernelCases, seccompCases } from "./cases/linux.ts";
import { mountCases } from "./cases/mounts.ts";
import { namespaceCases } from "./cases/namespaces.ts";
import { processCases } from "./cases/process.ts";
import { rlimitCases } from "./cases/rlimits.ts";
import { rootfsCases } from "./cases/rootfs.ts";
import { terminalCases } from "./cases/terminal.ts";
import { verbCases } from "./cases/verbs.ts";
import type { EqualityCase } from "./flow.ts";

/** Every case, in the order it is run. */
export function allCases(): readonly EqualityCase[] {
  return [
    ...processCases(),
    ...rlimitCases(),
    ...capabilityCases(),
    ...descriptorCases(),
    ...terminalCases(),
    ...namespaceCases(),
    ...kernelCases(),
    ...rootfsCases(),
    ...mountCases(),
    ...deviceCases(),
    ...cgroupCases(),
    ...seccompCases(),
    ...hookCases(),
    ...exitCases(),
    ...verbCases(),
    ...errorCases(),
  ];
}
