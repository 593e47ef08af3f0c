import { command } from "../../command.ts";
import { boolean, path, text } from "../../flags.ts";
import { absolutePath } from "../../path.ts";
import { containerId } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";
import { criuFlags, toCriuSettings } from "../criu-flags.ts";
import { warnOfRootless } from "./checkpoint.ts";

export const restoreCommand = command({
  name: "restore",
  summary: "restore a container from a previous checkpoint",
  description:
    "Makes a container of the bundle whose processes are those that checkpoint has saved. Without --detach waits for its " +
    "first process, deletes the container and exits with the status of the process. The hooks prestart and " +
    "createRuntime are run, others are not. Files are those of the bundle: a checkpoint has none.",
  examples: [
    {
      command: "restore --image-path /var/lib/images/web web",
      summary: "restore web; the bundle is the current directory",
    },
    { command: "restore --detach --bundle /var/lib/bundles/web copy", summary: "from ./checkpoint, under another id" },
  ],
  exitStatuses: [
    { status: "N", meaning: "the program's own status" },
    { status: "128+N", meaning: "the program was ended by signal N" },
  ],
  args: { id: containerId },
  flags: {
    bundle: path("directory that holds config.json (default: the current directory)", { short: "b", label: "DIR" }),
    detach: boolean("return as soon as the processes run", { short: "d" }),
    pidFile: path("file that is written the pid of the container's first process"),
    consoleSocket: path("unix socket that is sent the master end of the container's terminal"),
    ...criuFlags,
    noPivot: boolean("accepted for runc's sake, without effect: criu makes the root"),
    noSubreaper: boolean("do not adopt the processes that the container leaves behind"),
    lsmProfile: text("security profile to restore with: TYPE:NAME, such as apparmor:web", { label: "PROFILE" }),
    lsmMountContext: text("SELinux context to mount with", { label: "CONTEXT" }),
  },
  run: async (context: RuntimeContext, args, flags) => {
    warnOfRootless(context);
    const { restore } = await import("../../../lib/runtime/criu/restore.ts");
    const bundle = absolutePath(context.cwd, flags.bundle ?? ".");
    return await restore(context.options, {
      ...toCriuSettings(context.cwd, flags),
      id: args.id,
      bundle,
      environment: context.env,
      detach: flags.detach,
      noSubreaper: flags.noSubreaper,
      pidFile: flags.pidFile === undefined ? undefined : absolutePath(context.cwd, flags.pidFile),
      // As for create and run.
      consoleSocket: flags.consoleSocket === undefined ? undefined : absolutePath(bundle, flags.consoleSocket),
      lsmProfile: flags.lsmProfile || undefined,
      lsmMountContext: flags.lsmMountContext || undefined,
    });
  },
});
