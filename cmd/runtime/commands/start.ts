import { command } from "../../command.ts";
import { containerId } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";

export const startCommand = command({
  name: "start",
  summary: "execute the program of a created container",
  description: "Returns when the program has been executed, or says why the kernel would not.",
  examples: [{ command: "start web", summary: "start the container web" }],
  args: { id: containerId },
  flags: {},
  run: async (context: RuntimeContext, args) => {
    const { start } = await import("../../../lib/runtime/start.ts");
    const notifySocket = context.env["NOTIFY_SOCKET"] ?? "";
    await start(context.options, args.id, notifySocket === "" ? {} : { notifySocket });
    return 0;
  },
});
