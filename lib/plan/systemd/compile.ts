import type { BusValue, Variant } from "../../linux/constants/dbus.ts";
import type { Config } from "../../spec/config.ts";
import { DEFAULT_RULES } from "../cgroup/compile.ts";
import type { ScopeStep } from "../scope.ts";
import { annotatedProperties } from "./annotations.ts";
import { deviceProperties } from "./devices.ts";
import { resourceProperties, type ScopeProperty, type SystemdFacts } from "./properties.ts";
import type { ScopeName } from "./unit.ts";

/** Init is born in the scope, of a process that is in it, too, until then. */
const TASKS_AT_BIRTH = 2;

const PATH = "/linux/cgroupsPath";

/** How a container's scope introduces itself, by which its owner is known. */
export function scopeDescription(id: string): string {
  return `tsrun container ${id}`;
}

/**
 * The scope of a container: its properties, each with where it comes from, and its start.
 * @throws {ContainerError} for an annotation that may not be applied
 */
export function compileScope(
  { annotations = {}, linux = {} }: Config,
  id: string,
  scope: ScopeName,
  facts: SystemdFacts,
): readonly ScopeStep[] {
  const resources = linux.resources ?? {};
  const properties = [
    ...baseProperties(id, scope, facts),
    ...deviceProperties([...(resources.devices ?? []), ...DEFAULT_RULES], facts),
    ...resourceProperties(resources, facts, TASKS_AT_BIRTH),
    ...annotatedProperties(annotations),
  ];
  const start = { doing: `start the systemd unit ${scope.name}`, from: PATH };
  return [
    ...properties.map(propertyStep),
    {
      call: "StartTransientUnit",
      text: [JSON.stringify(scope.name), '"replace"', "[the properties, PIDs: [setup]]"],
      purpose: start,
    },
  ];
}

function baseProperties(id: string, { slice }: ScopeName, { mode }: SystemdFacts): readonly ScopeProperty[] {
  const yes = (name: string): ScopeProperty => ({ name, signature: "b", value: true, from: "" });
  return [
    { name: "Description", signature: "s", value: scopeDescription(id), from: "" },
    { name: "Slice", signature: "s", value: slice, from: PATH },
    yes("Delegate"),
    yes("MemoryAccounting"),
    yes("CPUAccounting"),
    yes(mode === "v2" ? "IOAccounting" : "BlockIOAccounting"),
    yes("TasksAccounting"),
    { ...yes("DefaultDependencies"), value: false },
  ];
}

function propertyStep(property: ScopeProperty): ScopeStep {
  const purpose = { doing: `give the systemd unit its ${property.name}`, from: property.from };
  return { call: "property", text: [property.name, variantText(property)], purpose, property };
}

/** A value as GVariant text. */
export function variantText({ signature, value }: Variant): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (signature === "t" && value === 0xffff_ffff_ffff_ffffn) return "infinity";
  if (!Array.isArray(value)) return typeof value === "object" ? "<variant>" : String(value);
  const members: readonly BusValue[] = value;
  const [open, close] = signature.startsWith("a") ? ["[", "]"] : ["(", ")"];
  const texts = members.map((member) => variantText({ signature: signature.replace(/^a/, ""), value: member }));
  return `${open}${texts.join(", ")}${close}`;
}
