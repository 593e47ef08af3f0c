import { command } from "../../command.ts";
import { containerId } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";

export const resumeCommand = command({
  name: "resume",
  summary: "let the processes of a paused container go on",
  examples: [{ command: "resume web", summary: "resume the container web" }],
  args: { id: containerId },
  flags: {},
  run: async (context: RuntimeContext, args) => {
    const { resume } = await import("../../../lib/runtime/pause.ts");
    await resume(context.options, args.id);
    return 0;
  },
});
