import { command } from "../../command.ts";
import { containerId } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";
import { goJson, stateFields } from "../state-json.ts";

export const stateCommand = command({
  name: "state",
  summary: "print the state of a container as JSON",
  description: "The status is creating, created, running, paused or stopped; the pid of a stopped container is 0.",
  examples: [{ command: "state web", summary: "print the state of the container web" }],
  args: { id: containerId },
  flags: {},
  run: async (context: RuntimeContext, args) => {
    const { getState } = await import("../../../lib/runtime/state.ts");
    // runc knows the owner in `list` only, and ends without a newline.
    await context.print(goJson(stateFields(getState(context.options, args.id), ""), "  "));
    return 0;
  },
});
