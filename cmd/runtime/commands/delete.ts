import { command } from "../../command.ts";
import { boolean } from "../../flags.ts";
import { containerId } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";

export const deleteCommand = command({
  name: "delete",
  summary: "remove what a stopped container has left behind",
  description: "Removes the container's cgroups and state. Its bundle stays.",
  examples: [
    { command: "delete web", summary: "delete the stopped container web" },
    { command: "delete --force web", summary: "end it first if need be; no error when there is no such container" },
  ],
  args: { id: containerId },
  flags: { force: boolean("kill the container with SIGKILL if it is still running", { short: "f" }) },
  run: async (context: RuntimeContext, args, flags) => {
    const { deleteContainer } = await import("../../../lib/runtime/delete.ts");
    await deleteContainer(context.options, args.id, { force: flags.force });
    return 0;
  },
});
