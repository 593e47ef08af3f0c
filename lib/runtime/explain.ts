import { compile } from "../plan/compile.ts";
import { explainSteps, explainText } from "../plan/explain.ts";
import { compileFilter } from "../plan/seccomp/filter.ts";
import type { Config } from "../spec/config.ts";
import { type Bundle, loadBundle } from "./bundle.ts";
import { gatherHost } from "./host.ts";
import type { RuntimeOptions } from "./options.ts";
import type { ContainerScope } from "./scope.ts";

export interface ExplainRequest {
  /** Absolute path. */
  readonly bundle: string;
  readonly format: "text" | "json";
}

/** What stands for the id that `create` would be given. */
const EXAMPLE_ID = "ID";

/** The program that `create` would run for this bundle, on this machine. Runs nothing and needs no privilege. */
export async function explainBundle(options: RuntimeOptions, { bundle, format }: ExplainRequest): Promise<string> {
  const { config, rootfs, exact } = loadBundle(options.kernel, bundle);
  return await explainConfig(options, { bundle, rootfs, config, exact, format });
}

/** A config, and where its bundle and its rootfs are, or will be. */
export interface ConfigToExplain extends ExplainRequest, Pick<Bundle, "config" | "rootfs" | "exact"> {}

/** The program that `create` would run for a config, whose bundle need not be there. */
export async function explainConfig(
  options: RuntimeOptions,
  { bundle, rootfs, config, exact, format }: ConfigToExplain,
): Promise<string> {
  using scope = options.systemdCgroup ? await openScope(options, config) : undefined;
  const context = { id: EXAMPLE_ID, rootfs, foreground: false, noPivot: false, scope };
  const found = gatherHost(options, config, context);
  // Those of this command say nothing about those `create` will have.
  const host = { ...found, nullStdio: [], givenStdio: [0, 1, 2] };
  const { seccomp } = config.linux ?? {};
  const filter = seccomp === undefined ? undefined : compileFilter(seccomp, host.architecture, exact);
  const request = {
    id: EXAMPLE_ID,
    bundle,
    rootfs,
    filter,
    initPid: 1,
    noPivot: false,
    noNewKeyring: false,
    preserveFds: 0,
  };
  const plan = { ...compile(config, host, request), ...(scope === undefined ? {} : { scope: scope.steps }) };
  return format === "json" ? `${JSON.stringify(explainSteps(plan), null, 2)}\n` : explainText(plan);
}

async function openScope(options: RuntimeOptions, config: Config): Promise<ContainerScope> {
  const scope = await import("./scope.ts");
  return await scope.openScope(options, config, EXAMPLE_ID);
}
