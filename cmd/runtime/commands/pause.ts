import { command } from "../../command.ts";
import { containerId } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";

export const pauseCommand = command({
  name: "pause",
  summary: "stop all processes of a container until it is resumed",
  description: "Returns when all of them stand still. The container must be created or running.",
  examples: [{ command: "pause web", summary: "pause the container web" }],
  args: { id: containerId },
  flags: {},
  run: async (context: RuntimeContext, args) => {
    const { pause } = await import("../../../lib/runtime/pause.ts");
    await pause(context.options, args.id);
    return 0;
  },
});
