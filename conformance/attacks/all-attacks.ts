import type { Attack } from "./attack.ts";
import { descriptorAttacks } from "./cases/descriptors.ts";
import { deviceAttacks } from "./cases/devices.ts";
import { identityAttacks } from "./cases/identity.ts";
import { inputAttacks } from "./cases/input.ts";
import { pathAttacks } from "./cases/paths.ts";
import { procAttacks } from "./cases/proc.ts";
import { processAttacks } from "./cases/processes.ts";
import { surroundingsAttacks } from "./cases/surroundings.ts";

/** Every attack, by its subject. */
export const ATTACKS: readonly Attack[] = [
  ...pathAttacks,
  ...procAttacks,
  ...deviceAttacks,
  ...descriptorAttacks,
  ...processAttacks,
  ...identityAttacks,
  ...inputAttacks,
  ...surroundingsAttacks,
];
