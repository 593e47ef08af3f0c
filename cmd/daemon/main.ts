import { explain } from "../../lib/errors.ts";
import { openKernel } from "../../lib/linux/kernel.ts";
import { createLog, type Log } from "../log.ts";
import { appendToFile, writeStderr, writeStdout } from "../output.ts";
import { parseFlags } from "../parse-flags.ts";
import { UsageError } from "../usage-error.ts";
import { COMMIT, VERSION } from "../version.ts";
import { FLAGS, readSettings, type Settings } from "./settings.ts";
import { inheritedListener, notify } from "./systemd.ts";

/** The release of containerd whose services these are. Clients choose by it what they ask for. */
const API_VERSION = "1.7.34";
const OWN_SHIM = "containerd-shim-tsrun-v2";
const USAGE_STATUS = 2;

/** Runs the daemon with the arguments and environment of this process, until it is told to end. Returns the exit status. */
export async function main(name: string): Promise<number> {
  try {
    const { flags, positionals, help } = parseFlags(FLAGS, process.argv.slice(2), { stopAtPositional: true });
    if (help) {
      const { usage } = await import("./usage.ts");
      await writeStdout(usage(name));
      return 0;
    }
    if (flags.version) {
      await writeStdout(`${name} ${VERSION} ${COMMIT}\n`);
      return 0;
    }
    const [command, ...words] = positionals;
    if (command === "fsck") return await (await import("./fsck.ts")).runFsck(name, words, flags);
    if (positionals.length > 0) throw new UsageError(`no such command: ${positionals.join(" ")}`);
    return await serve(name, await readSettings(flags));
  } catch (error) {
    writeStderr(`${name}: ${explain(error)}\n`);
    return error instanceof UsageError ? USAGE_STATUS : 1;
  }
}

async function serve(name: string, settings: Settings): Promise<number> {
  // It stays, so compiled code pays.
  Bun.unsafe.setJITPolicy?.(1);
  const { logLevel, logFormat, logFile, ...rest } = settings;
  const log = createLog(
    { name, file: logFile, format: logFormat, debug: logLevel === "debug" },
    { writeStderr, appendToFile, now: () => new Date() },
  );
  const ended = watchSignals(log);
  const { Supervisor } = await import("../../lib/daemon/supervisor.ts");
  const kernel = openKernel();
  const supervisor = await Supervisor.start(kernel, {
    ...rest,
    listener: inheritedListener(kernel, process.env),
    runtimes: {
      own: { program: process.execPath, name: OWN_SHIM },
      aliases: settings.aliases,
      path: (process.env["PATH"] ?? "").split(":").filter((directory) => directory.startsWith("/")),
    },
    build: { version: API_VERSION, revision: COMMIT },
    debug: logLevel === "debug",
    warn: log.warn,
    tell: log.debug,
  });
  notify(kernel, process.env, "READY=1");
  log.debug(`serving on ${settings.address}`);
  await ended;
  notify(kernel, process.env, "STOPPING=1");
  await supervisor.stop();
  return 0;
}

/** Settles at the first signal that asks for the end. What nobody has caught must not end the daemon. */
function watchSignals(log: Log): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve());
  for (const signal of ["SIGHUP", "SIGPIPE"] as const) process.on(signal, () => undefined);
  process.on("uncaughtException", (error) => log.warn(`internal error: ${error.stack ?? error.message}`));
  process.on("unhandledRejection", (error) => {
    log.warn(`internal error: ${error instanceof Error ? error.stack : String(error)}`);
  });
  return promise;
}
