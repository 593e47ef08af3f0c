import { Client } from "../../lib/client/client.ts";
import { ContainerError, explain } from "../../lib/errors.ts";
import { openKernel } from "../../lib/linux/kernel.ts";
import { printable } from "../../lib/printable.ts";
import { ExitError } from "../exit-error.ts";
import type { Values } from "../flags.ts";
import { parseScanned } from "../parse-flags.ts";
import { UsageError } from "../usage-error.ts";
import { adviceFor } from "./advice.ts";
import type { CtrContext } from "./context.ts";
import { globalFlags } from "./global-flags.ts";
import { type Found, findCommand, unknownName } from "./program.ts";
import { scan } from "./scan.ts";

/** Everything outside the program that it depends on; replaced by tests. */
export interface Host {
  /** The name the program was called by. */
  readonly name: string;
  readonly cwd: string;
  readonly pid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  now(): number;
  writeStdout(content: string): Promise<void>;
  writeStderr(content: string): void;
}

const DEFAULT_ADDRESS = "/run/tsrund/tsrund.sock";
const DEFAULT_NAMESPACE = "default";
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
/** What a shell says of a program that SIGPIPE has ended. */
const EXIT_BROKEN_PIPE = 141;

/** Runs one command line of tsctr. Returns the exit status; errors have been printed then. */
export async function execute(argv: readonly string[], host: Host): Promise<number> {
  let found: Found | undefined;
  let context: ClosingContext | undefined;
  let debug = false;
  try {
    const { flags, positionals, help } = parseScanned(globalFlags, scan(globalFlags, argv, true), "--");
    debug = flags.debug;
    if (flags.version === true && !help) return await printVersion(host);
    const asked = positionals[0] === "help" ? positionals.slice(1) : positionals;
    found = findCommand(asked);
    if (help || asked.length === 0 || positionals[0] === "help") return await printHelp(host, asked, found);
    if (found === undefined) throw unknownCommand(asked);
    context = makeContext(flags, host);
    const command = await found.load();
    const { run } = command.prepare(scan(command.flags, found.rest, command.stopAtPositional ?? false));
    return run === undefined ? await printHelp(host, asked, found) : ((await run(context)) ?? 0);
  } catch (error) {
    return await fail(error, { host, command: found?.name, address: context?.address ?? DEFAULT_ADDRESS, debug });
  } finally {
    context?.close();
  }
}

interface ClosingContext extends CtrContext {
  close(): void;
}

function makeContext(flags: Values<typeof globalFlags>, host: Host): ClosingContext {
  const { cwd, pid, env } = host;
  const address = (flags.address ?? env["CONTAINERD_ADDRESS"]) || DEFAULT_ADDRESS;
  const namespace = (flags.namespace ?? env["CONTAINERD_NAMESPACE"]) || DEFAULT_NAMESPACE;
  let client: Promise<Client> | undefined;
  let opened: Client | undefined;
  return {
    ...{ address: address.replace(/^unix:\/\//, ""), namespace, cwd, pid, env },
    kernel: openKernel(),
    now: () => host.now(),
    async connect() {
      client ??= Client.connect(this.address, { namespace, timeoutMs: flags.timeout });
      opened = await client;
      return opened;
    },
    print: (content) => host.writeStdout(content),
    printError: (content) => host.writeStderr(content),
    warn: (message) => host.writeStderr(`${host.name}: ${printable(message)}\n`),
    describe: async () => {
      const { programSpec } = await import("./help.ts");
      return await programSpec(host.name);
    },
    close: () => opened?.close(),
  };
}

function unknownCommand(words: readonly string[]): UsageError {
  const name = unknownName(words);
  return new UsageError(`there is no command ${JSON.stringify(name)}`, { unknown: { kind: "command", name } });
}

async function printVersion(host: Host): Promise<number> {
  const { COMMIT, VERSION } = await import("../version.ts");
  await host.writeStdout(`${host.name} ${VERSION} ${COMMIT}\n`);
  return 0;
}

async function printHelp(host: Host, words: readonly string[], found: Found | undefined): Promise<number> {
  if (words.length > 0 && found === undefined) throw unknownCommand(words);
  const { helpText } = await import("./help.ts");
  await host.writeStdout(await helpText(host.name, found?.name));
  return 0;
}

interface Failure {
  readonly host: Host;
  readonly command: string | undefined;
  readonly address: string;
  readonly debug: boolean;
}

async function fail(thrown: unknown, { host, command, address, debug }: Failure): Promise<number> {
  const error = thrown instanceof ExitError ? thrown.cause : thrown;
  const status = thrown instanceof ExitError ? thrown.status : error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE;
  if (error === undefined) return status;
  if (isBrokenPipe(error)) return EXIT_BROKEN_PIPE;
  const advice = error instanceof UsageError ? await adviseUsage(error, host, command) : adviceFor(error, address);
  const next = advice === undefined ? "" : `${" ".repeat(host.name.length + 2)}→ ${printable(advice)}\n`;
  host.writeStderr(`${host.name}: ${printable(explain(error))}\n${next}`);
  // A mistake of ours needs its stack; a ContainerError has said what its reader can act on.
  const isOurs = error instanceof Error && !(error instanceof ContainerError);
  if (isOurs && debug) host.writeStderr(`${error.stack}\n`);
  return status;
}

/** Whoever read what is printed has enough. */
function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}

async function adviseUsage(error: UsageError, host: Host, command: string | undefined): Promise<string> {
  const { usageAdvice } = await import("./help.ts");
  return await usageAdvice(host.name, command, error);
}
