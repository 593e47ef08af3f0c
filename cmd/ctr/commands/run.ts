import type { Arg } from "../../args.ts";
import { required } from "../../args.ts";
import { boolean, oneOf, text } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { containerFlags } from "../run-flags.ts";

/** What `run` and `create` are given. */
export const runArgs = {
  image: required("image", "name of the image, full or as docker shortens it", (given) => given),
  commandLine: commandLine(),
};

function commandLine(): Arg<readonly string[]> {
  return {
    label: "[command...]",
    summary: "program and arguments, in place of the image's",
    min: 0,
    max: Number.POSITIVE_INFINITY,
    parse: (texts) => texts,
  };
}

export const pullFlag = oneOf(["missing", "always", "never"], "when to bring the image from its registry");

export const runCommand = ctrCommand({
  name: "run",
  summary: "make a container of an image and run a program in it",
  description:
    "Options stand before the image; what follows it is the program's. An image that is not there is pulled. In the foreground signals are passed on, the third " +
    "SIGINT or SIGTERM as SIGKILL, and the exit status is the program's.",
  examples: [
    { command: "run --rm busybox echo hello", summary: "run a program, and remove the container" },
    { command: "run -it --rm -v .:/src -w /src busybox sh", summary: "a shell, with the current directory" },
    { command: "run -d --name web -p 8080:80 -m 256m nginx", summary: "a service in the background" },
  ],
  exitStatuses: [
    { status: "N", meaning: "the program's own status" },
    { status: "128+N", meaning: "the program was ended by signal N" },
    { status: "125", meaning: "the container could not be made or started" },
    { status: "126", meaning: "the program cannot be executed" },
    { status: "127", meaning: "there is no such program" },
  ],
  stopAtPositional: true,
  args: runArgs,
  flags: {
    interactive: boolean("pass on standard input", { short: "i" }),
    tty: boolean("give the program a terminal", { short: "t" }),
    detach: boolean("run in the background, and print the name", { short: "d" }),
    rm: boolean("remove the container, and volumes without a name, when the program has ended"),
    pull: pullFlag,
    detachKeys: text("keys that leave the program and its terminal (default: ctrl-p,ctrl-q)", { label: "KEYS" }),
    ...containerFlags,
  },
  run: async (context, { image, commandLine: command }, flags) => {
    const { run } = await import("../run.ts");
    return await run(context, { image, command }, flags);
  },
});
