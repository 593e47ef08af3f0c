import { command } from "../../command.ts";
import { boolean } from "../../flags.ts";
import { COMMIT, SPEC_VERSION, VERSION } from "../../version.ts";
import type { RuntimeContext } from "../context.ts";
import { goJson } from "../state-json.ts";

const INDENT = "    ";

export const featuresCommand = command({
  name: "features",
  summary: "print what this runtime supports, as the features document of the runtime-spec",
  examples: [
    { command: "features", summary: "print what this build supports, on any kernel" },
    { command: "features --probe", summary: "and what the running kernel offers, found by trying" },
  ],
  args: {},
  flags: { probe: boolean("add what the running kernel offers, under the key probe") },
  run: async (context: RuntimeContext, _args, flags) => {
    const { describeFeatures } = await import("../../../lib/runtime/features.ts");
    const { kernel } = context.options;
    const features = describeFeatures(kernel.architecture, {
      ociVersionMax: SPEC_VERSION,
      version: VERSION,
      commit: COMMIT,
    });
    const probe = flags.probe ? { probe: (await import("../../../lib/linux/probe.ts")).probeKernel(kernel) } : {};
    await context.print(`${goJson({ ...features, ...probe }, INDENT)}\n`);
    return 0;
  },
});
