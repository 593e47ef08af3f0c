import { findContainer } from "../../../lib/client/containers.ts";
import { startAgain } from "../../../lib/client/start.ts";
import { boolean, text } from "../../flags.ts";
import { UsageError } from "../../usage-error.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";

export const startCommand = ctrCommand({
  name: "start",
  summary: "run containers that were created, or again those that have ended",
  description:
    "In the background, with the root as it was left. What is written goes to the log; with --attach it is shown, too, and the " +
    "exit status is the program's.",
  args: { ids: several("container", "its id, or the begin of it") },
  flags: {
    attach: boolean("stay with it, as tsctr attach does", { short: "a" }),
    interactive: boolean("stay with it, and pass on standard input if it was made for that", { short: "i" }),
    detachKeys: text("keys that leave the program and its terminal (default: ctrl-p,ctrl-q)", { label: "KEYS" }),
  },
  run: async (context, { ids }, { attach, interactive, detachKeys }) => {
    if (attach || interactive) {
      const [id = "", other] = ids;
      if (other !== undefined) throw new UsageError("--attach and --interactive are for one container");
      const { startAttached } = await import("../attach.ts");
      return await startAttached(context, id, { noStdin: !interactive, detachKeys });
    }
    const client = await context.connect();
    return await forEach(context, ids, async (given) => {
      const container = await findContainer(client, given);
      await startAgain(client, context.kernel, container);
      return container.id;
    });
  },
});
