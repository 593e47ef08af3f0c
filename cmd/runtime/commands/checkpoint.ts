import { command } from "../../command.ts";
import { boolean, type Flag, last, path } from "../../flags.ts";
import { containerId } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";
import { criuFlags, toCriuSettings } from "../criu-flags.ts";

interface Address {
  readonly address: string;
  readonly port: number;
}

const MAX_PORT = 65_535;

const pageServer: Flag<Address | undefined> = {
  summary: "send memory to a page server, or with --lazy-pages serve it there: ADDRESS:PORT, [ADDRESS]:PORT for IPv6",
  kind: "text",
  label: "ADDRESS:PORT",
  parse(texts) {
    const given = last(texts) ?? "";
    if (given === "") return undefined;
    const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(given) ?? [];
    const address = bracketed ?? plain;
    if (address === undefined) throw new TypeError("Use --page-server ADDRESS:PORT to specify page server");
    if (Number(digits) > MAX_PORT) throw new TypeError("Invalid port number");
    return { address, port: Number(digits) };
  },
};

const statusFd: Flag<number | undefined> = {
  summary: "descriptor that is written a zero byte when --lazy-pages is ready to serve",
  kind: "number",
  label: "FD",
  parse(texts) {
    const given = last(texts);
    if (given === undefined || given === "-1") return undefined;
    if (/^\d+$/.test(given)) return Number(given);
    throw new TypeError("must be the number of an open descriptor");
  },
};

export const checkpointCommand = command({
  name: "checkpoint",
  summary: "checkpoint a running container",
  description:
    "Writes the processes of the container to image files, from which restore makes it again, and deletes it. Needs " +
    "criu(8) 3.15 or newer. An error has the end of criu's log. What stands in the file of the annotation " +
    "org.criu.config, or else in /etc/criu/tsrun.conf, outranks the options.",
  examples: [
    { command: "checkpoint --image-path /var/lib/images/web web", summary: "save the container web and delete it" },
    { command: "checkpoint --leave-running web", summary: "save it to ./checkpoint; it goes on" },
    {
      command: "checkpoint --pre-dump --image-path pre web",
      summary: "save memory ahead; then checkpoint with --parent-path ../pre",
    },
  ],
  args: { id: containerId },
  flags: {
    ...criuFlags,
    parentPath: path("directory of earlier images, relative to that of the images", { label: "DIR" }),
    preDump: boolean("save memory only; the container goes on running"),
    leaveRunning: boolean("let the container go on running"),
    pageServer,
    statusFd,
    linkRemap: boolean("give files that are open but deleted a name for the time"),
    tcpSkipInFlight: boolean("leave out TCP connections that are not established yet"),
  },
  run: async (context: RuntimeContext, args, flags) => {
    warnOfRootless(context);
    const { checkpoint } = await import("../../../lib/runtime/criu/checkpoint.ts");
    await checkpoint(context.options, {
      ...toCriuSettings(context.cwd, flags),
      id: args.id,
      environment: context.env,
      parentPath: flags.parentPath,
      preDump: flags.preDump,
      leaveRunning: flags.leaveRunning,
      pageServer: flags.pageServer,
      statusFd: flags.statusFd,
      linkRemap: flags.linkRemap,
      tcpSkipInFlight: flags.tcpSkipInFlight,
    });
    return 0;
  },
});

/** criu needs more than an ordinary user has; a newer one may need less. */
export function warnOfRootless({ uid, options }: RuntimeContext): void {
  if (uid !== 0) options.warn("checkpoint and restore are untested with rootless containers");
}
