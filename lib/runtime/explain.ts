import { compile } from "../plan/compile.ts";
import { explainSteps, explainText } from "../plan/explain.ts";
import { loadBundle } from "./bundle.ts";
import { gatherHost } from "./host.ts";
import type { RuntimeOptions } from "./options.ts";

export interface ExplainRequest {
  /** Absolute path. */
  readonly bundle: string;
  readonly format: "text" | "json";
}

/** What stands for the id that `create` would be given. */
const EXAMPLE_ID = "ID";

/** The program that `create` would run for this bundle, on this machine. Runs nothing and needs no privilege. */
export function explainBundle(options: RuntimeOptions, { bundle, format }: ExplainRequest): string {
  const { config, rootfs } = loadBundle(options.kernel, bundle);
  const host = gatherHost(options.kernel, config, EXAMPLE_ID, rootfs);
  const request = { id: EXAMPLE_ID, bundle, rootfs, initPid: 1, noPivot: false, noNewKeyring: false, preserveFds: 0 };
  const plan = compile(config, host, request);
  return format === "json" ? `${JSON.stringify(explainSteps(plan), null, 2)}\n` : explainText(plan);
}
