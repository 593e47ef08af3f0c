import { command } from "../../command.ts";
import { containerId } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";
import { createFlags, toCreateRequest } from "../create-request.ts";

export const createCommand = command({
  name: "create",
  summary: "create a container; its program waits for start",
  description:
    "Sets up the container that DIR/config.json describes, up to the point where only its program is left to be " +
    "executed, and leaves it there. Standard input, output and error become those of the program.",
  examples: [
    { command: "create --bundle /var/lib/bundles/web web", summary: "create the container web" },
    { command: "create -b web --pid-file web.pid web", summary: "and write down its pid" },
  ],
  args: { id: containerId },
  flags: createFlags,
  run: async (context: RuntimeContext, args, flags) => {
    const { create } = await import("../../../lib/runtime/create.ts");
    await create(context.options, toCreateRequest(context, args.id, flags));
    return 0;
  },
});
