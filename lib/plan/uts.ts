import type { Config } from "../spec/config.ts";
import type { Step } from "./step.ts";

/** config.md § Hostname and Domainname */
export function compileUts({ hostname, domainname }: Config): readonly Step[] {
  const steps: Step[] = [];
  if (hostname !== undefined) steps.push(setName("sethostname", hostname, "hostname"));
  if (domainname !== undefined) steps.push(setName("setdomainname", domainname, "domainname"));
  return steps;
}

function setName(call: "sethostname" | "setdomainname", name: string, property: string): Step {
  const bytes = new TextEncoder().encode(name).length;
  return { call, args: [name, bytes], purpose: { doing: `set the ${property} ${name}`, from: `/${property}` } };
}
