import { required } from "../../args.ts";
import { boolean, text } from "../../flags.ts";
import { ctrCommand } from "../command.ts";

export const attachCommand = ctrCommand({
  name: "attach",
  summary: "join the standard streams of a container that runs in a terminal or was left",
  description:
    "For containers whose streams are FIFOs: those that were left by the detach keys, and those of ctr. Signals are passed on, " +
    "and the exit status is the program's.",
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
