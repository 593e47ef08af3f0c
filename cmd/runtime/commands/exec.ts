import type { Arg } from "../../args.ts";
import { command } from "../../command.ts";
import { ExitError } from "../../exit-error.ts";
import { boolean, count, path, repeated, text } from "../../flags.ts";
import { absolutePath } from "../../path.ts";
import { containerId } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";

const commandLine: Arg<readonly string[]> = {
  label: "[command...]",
  summary: "the program and its arguments; not with --process",
  min: 0,
  max: Number.POSITIVE_INFINITY,
  parse: (texts) => texts,
};

/** What runc exits with when the process could not be started. */
const EXIT_NOT_STARTED = 255;

export const execCommand = command({
  name: "exec",
  summary: "run one more process in a running container",
  description:
    "The process gets what the process of config.json has, changed by the options; or, with --process, what FILE says. " +
    "Without --detach waits for its end and exits with its status.",
  examples: [
    { command: "exec web ps", summary: "run ps in the container web" },
    { command: "exec --tty --env TERM=xterm web sh", summary: "a shell on a terminal" },
    { command: "exec --user 1000:1000 --cwd /tmp web id", summary: "as another user" },
  ],
  exitStatuses: [
    { status: "N", meaning: "the process's own status" },
    { status: "128+N", meaning: "the process was ended by signal N" },
    { status: "255", meaning: "the process could not be started" },
  ],
  stopAtPositional: true,
  args: { id: containerId, command: commandLine },
  flags: {
    consoleSocket: path("unix socket that is sent the master end of the terminal"),
    pidfdSocket: path("unix socket that is sent a pidfd of the process"),
    cwd: text("working directory of the process", { label: "DIR" }),
    env: repeated("set a variable: NAME=value", { short: "e" }),
    tty: boolean("give the process a terminal", { short: "t" }),
    user: text("run as uid[:gid]", { short: "u" }),
    additionalGids: repeated("one more group of the process", { short: "g" }),
    process: path("file with the process, as in config.json", { short: "p" }),
    detach: boolean("return as soon as the process runs", { short: "d" }),
    pidFile: path("file that is written the pid of the process"),
    processLabel: text("SELinux label of the process", { label: "LABEL" }),
    apparmor: text("AppArmor profile of the process", { label: "PROFILE" }),
    noNewPrivs: boolean("set no_new_privs"),
    cap: repeated("add a capability to the bounding, effective and permitted set", { short: "c" }),
    preserveFds: count("pass on N more file descriptors, after those of standard I/O"),
    cgroup: repeated("run in a cgroup below the container's"),
    ignorePaused: boolean("let the process wait in a paused container"),
  },
  run: async (context: RuntimeContext, args, flags) => {
    const { exec } = await import("../../../lib/runtime/exec.ts");
    const at = (file: string | undefined) => (file === undefined ? undefined : absolutePath(context.cwd, file));
    const request = {
      id: args.id,
      args: args.command,
      processFile: at(flags.process),
      cwd: flags.cwd,
      env: flags.env,
      tty: flags.tty,
      user: flags.user,
      additionalGids: flags.additionalGids,
      capabilities: flags.cap,
      noNewPrivileges: flags.noNewPrivs,
      apparmor: flags.apparmor,
      processLabel: flags.processLabel,
      detach: flags.detach,
      pidFile: at(flags.pidFile),
      consoleSocket: at(flags.consoleSocket),
      pidfdSocket: at(flags.pidfdSocket),
      preserveFds: flags.preserveFds,
      ignorePaused: flags.ignorePaused,
      cgroups: flags.cgroup,
    };
    return await exec(context.options, request).catch(notStarted);
  },
});

/** runc's exit status for it, with the error as it is. */
function notStarted(cause: unknown): never {
  throw new ExitError(EXIT_NOT_STARTED, cause);
}
