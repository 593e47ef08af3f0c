import { openKernel } from "../../lib/linux/kernel.ts";
import { ExitError } from "../exit-error.ts";
import type { Values } from "../flags.ts";
import type { ProgramSpec } from "../help.ts";
import { createLog, type Log, type LogSink } from "../log.ts";
import { parseFlags } from "../parse-flags.ts";
import { UsageError } from "../usage-error.ts";
import type { RuntimeContext } from "./context.ts";
import { type Caller, globalFlags, stateRoot } from "./global-flags.ts";
import { findCommand } from "./program.ts";
import type { Timings } from "./timings.ts";

/** Everything outside the program that it depends on; replaced by tests. */
export interface Host extends Caller, LogSink {
  /** The name the program was called by. */
  readonly name: string;
  readonly gid: number;
  readonly pid: number;
  writeStdout(content: string): Promise<void>;
}

const EXIT_FAILURE = 1;
/** What runc exits with when it does not know the command. */
const EXIT_UNKNOWN_COMMAND = 3;

/** Runs one command line of tsrun. Returns the exit status; errors have been printed then. */
export async function execute(argv: readonly string[], host: Host): Promise<number> {
  let log = createLog({ name: host.name, file: undefined, format: "text", debug: false }, host);
  let command: string | undefined;
  let timings: Timings | undefined;
  try {
    const { flags, positionals, help } = parseFlags(globalFlags, argv, { stopAtPositional: true });
    if (help) return await printHelp(host, undefined);
    log = createLog({ name: host.name, file: flags.log, format: flags.logFormat, debug: flags.debug }, host);
    if (flags.version) return await printVersion(host);
    command = positionals[0];
    if (command === undefined || command === "help" || command === "h") return await printHelp(host, positionals[1]);
    timings = flags.timings ? await startTimings(command, flags.logFormat) : undefined;
    const context = toContext(flags, log, host, timings);
    return await runCommand({ name: command, argv: positionals.slice(1), timings }, host, context);
  } catch (error) {
    return await fail(error, command, log, host);
  } finally {
    if (timings !== undefined) host.writeStderr(timings.report());
  }
}

/** Nobody who does not measure loads what measures. */
async function startTimings(command: string, format: "text" | "json"): Promise<Timings> {
  const startUpMs = performance.now();
  return (await import("./timings.ts")).measure({ command, format, startUpMs });
}

interface CommandLine {
  readonly name: string;
  readonly argv: readonly string[];
  readonly timings: Timings | undefined;
}

async function runCommand({ name, argv, timings }: CommandLine, host: Host, context: RuntimeContext): Promise<number> {
  const load = findCommand(name);
  if (load === undefined) throw unknownCommand(name);
  const command = await load();
  timings?.mark("load command");
  const invocation = command.prepare(argv);
  timings?.mark("parse options");
  if (invocation.run === undefined) return await printHelp(host, name);
  return (await invocation.run(context)) ?? 0;
}

function toContext(
  flags: Values<typeof globalFlags>,
  log: Log,
  host: Host,
  timings: Timings | undefined,
): RuntimeContext {
  const { cwd, env, pid, uid, gid } = host;
  const { systemdCgroup, rootless } = flags;
  const kernel = openKernel();
  const options = {
    kernel: timings?.watch(kernel) ?? kernel,
    mark: timings?.mark,
    ...stateRoot(flags, host),
    searchPath: host.env["PATH"] ?? "",
    systemdCgroup,
    rootless,
    session: { runtimeDirectory: env["XDG_RUNTIME_DIR"], busAddress: env["DBUS_SESSION_BUS_ADDRESS"] },
    debug: log.debug,
    warn: log.warn,
  };
  return {
    options,
    cwd,
    pid,
    uid,
    gid,
    env,
    describe: async () => await describeProgram(host.name),
    print: host.writeStdout,
  };
}

async function describeProgram(name: string): Promise<ProgramSpec> {
  const { programSpec } = await import("./help.ts");
  return await programSpec(name);
}

async function printVersion(host: Host): Promise<number> {
  const { versionText } = await import("../version.ts");
  await host.writeStdout(versionText(host.name));
  return 0;
}

async function printHelp(host: Host, command: string | undefined): Promise<number> {
  if (command !== undefined && findCommand(command) === undefined) throw unknownCommand(command);
  const { helpText } = await import("./help.ts");
  await host.writeStdout(await helpText(host.name, command));
  return 0;
}

function unknownCommand(name: string): UsageError {
  // runc's words, which its tests look for.
  return new UsageError(`No help topic for '${name}'`, { unknown: { kind: "command", name } });
}

async function fail(error: unknown, command: string | undefined, log: Log, host: Host): Promise<number> {
  if (error instanceof ExitError) {
    log.fail(error.cause);
    return error.status;
  }
  if (!(error instanceof UsageError)) {
    log.fail(error);
    return EXIT_FAILURE;
  }
  const { suggestionFor, usageText } = await import("./help.ts");
  log.fail(error, (await suggestionFor(error, command)) ?? (await usageText(host.name, command)));
  return error.unknown?.kind === "command" ? EXIT_UNKNOWN_COMMAND : EXIT_FAILURE;
}
