import { required } from "../../args.ts";
import { boolean, text } from "../../flags.ts";
import { ctrCommand } from "../command.ts";

export const attachCommand = ctrCommand({
  name: "attach",
  summary: "join the standard streams of a container that runs",
  description:
    "What it writes from now on is shown. What is typed reaches programs that were begun with --interactive; for one in the " +
    "background it is not at its end when the caller is. Signals are passed on, and the exit status is the program's.",
  exitStatuses: [
    { status: "N", meaning: "the program's own status" },
    { status: "125", meaning: "the streams could not be joined" },
  ],
  args: { id: required("container", "its id, or the begin of it", (given) => given) },
  flags: {
    noStdin: boolean("leave standard input alone"),
    detachKeys: text("keys that leave the program and its terminal (default: ctrl-p,ctrl-q)", { label: "KEYS" }),
  },
  run: async (context, { id }, flags) => {
    const { attach } = await import("../attach.ts");
    return await attach(context, id, flags);
  },
});
