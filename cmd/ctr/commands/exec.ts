import type { Arg } from "../../args.ts";
import { required } from "../../args.ts";
import { boolean, path, repeated, text } from "../../flags.ts";
import { ctrCommand } from "../command.ts";

const commandLine: Arg<readonly string[]> = {
  label: "<command>...",
  summary: "program and arguments",
  min: 1,
  max: Number.POSITIVE_INFINITY,
  parse: (texts) => texts,
};

export const execCommand = ctrCommand({
  name: "exec",
  summary: "run one more program in a running container",
  description: "What is left out it has as the container's first process. Options stand before the container.",
  examples: [
    { command: "exec -it web sh", summary: "a shell" },
    { command: "exec -u nobody -w /tmp web id", summary: "as another user, in another directory" },
  ],
  exitStatuses: [
    { status: "N", meaning: "the program's own status" },
    { status: "128+N", meaning: "the program was ended by signal N" },
    { status: "125", meaning: "the program could not be run" },
    { status: "126", meaning: "the program cannot be executed" },
    { status: "127", meaning: "there is no such program" },
  ],
  stopAtPositional: true,
  args: { id: required("container", "its id, or the begin of it", (given) => given), commandLine },
  flags: {
    interactive: boolean("pass on standard input", { short: "i" }),
    tty: boolean("give the program a terminal", { short: "t" }),
    detach: boolean("run in the background, and print the pid", { short: "d" }),
    env: repeated("set a variable: NAME=value, or NAME for the value it has here", { short: "e" }),
    envFile: path("file with a variable a line", { label: "FILE" }),
    user: text("run as user[:group], by name or id", { short: "u", label: "USER" }),
    workdir: text("working directory of the program", { short: "w", label: "DIR" }),
    privileged: boolean("with all capabilities"),
    detachKeys: text("keys that leave the program and its terminal (default: ctrl-p,ctrl-q)", { label: "KEYS" }),
  },
  run: async (context, { id, commandLine: args }, flags) => {
    const { exec } = await import("../exec.ts");
    return await exec(context, { id, args }, flags);
  },
});
