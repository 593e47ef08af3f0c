import { explain } from "../../lib/errors.ts";
import { FILE_TYPE } from "../../lib/linux/constants/files.ts";
import { findStatus } from "../../lib/linux/files.ts";
import { type Kernel, openKernel } from "../../lib/linux/kernel.ts";
import { boolean, text, type Values } from "../flags.ts";
import { writeStderr, writeStdout } from "../output.ts";
import { parseFlags } from "../parse-flags.ts";

/** The flags containerd calls a shim with; those that have no use here are taken all the same. */
const FLAGS = {
  namespace: text("containerd's namespace", { label: "NAME" }),
  id: text("id of the container", { label: "ID" }),
  address: text("containerd's address", { label: "PATH" }),
  bundle: text("directory of the container, for delete", { label: "DIR" }),
  publishBinary: text("accepted, and not used: events go to TTRPC_ADDRESS", { label: "PROGRAM" }),
  socket: text("where the socket on descriptor 3 is, for the server", { label: "PATH" }),
  debugSocket: text("accepted, and not used", { label: "PATH" }),
  debug: boolean("write what is done to the log"),
  info: boolean("say what this shim is, in protobuf"),
  version: boolean("print the version", { short: "v" }),
};

type ShimFlags = Values<typeof FLAGS>;

/** Runs the shim with the arguments and environment of this process. Returns the exit status. */
export async function main(name: string): Promise<number> {
  try {
    const { flags, positionals, help } = parseFlags(FLAGS, process.argv.slice(2), { stopAtPositional: true });
    if (help) await writeStdout(usage(name));
    else if (flags.version) await printVersion(name);
    else if (flags.info) await printInfo();
    else await act(name, flags, positionals[0]);
    return 0;
  } catch (error) {
    writeStderr(`${name}: ${explain(error)}\n`);
    return 1;
  }
}

async function act(name: string, flags: ShimFlags, action: string | undefined): Promise<void> {
  switch (action) {
    case "start":
      return await start(name, flags);
    case "delete":
      return await remove(flags);
    case "standby":
      return await standBy(name, flags);
    case undefined:
      return await serve(flags);
    default:
      throw new TypeError(`no such action: ${JSON.stringify(action)}: must be start, delete or standby`);
  }
}

async function start(name: string, flags: ShimFlags): Promise<void> {
  const [{ launchShim }, { decodeBootstrap }] = await Promise.all([
    import("../../lib/shim/launch.ts"),
    import("../../lib/shim/bootstrap.ts"),
  ]);
  const kernel = openKernel();
  const address = launchShim(kernel, {
    id: required(flags.id, "id"),
    namespace: required(flags.namespace, "namespace"),
    address: flags.address ?? "",
    bundle: process.cwd(),
    debug: flags.debug,
    bootstrap: decodeBootstrap(await readInput(kernel)),
    program: process.execPath,
    name,
    environment: environment(["PATH", "TTRPC_ADDRESS"]),
  });
  await writeStdout(address);
}

/** What containerd writes; anything but a pipe or a file, such as a terminal, has nothing to say. */
async function readInput(kernel: Kernel): Promise<Uint8Array> {
  const type = findStatus(kernel, 0)?.type;
  return type === FILE_TYPE.S_IFIFO || type === FILE_TYPE.S_IFREG ? await Bun.stdin.bytes() : new Uint8Array();
}

/** Nothing else is handed on: variables steer Bun, too. */
function environment(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, process.env[name] ?? ""]));
}

async function remove(flags: ShimFlags): Promise<void> {
  const { removeTask } = await import("../../lib/shim/remove.ts");
  const answer = await removeTask(openKernel(), {
    id: required(flags.id, "id"),
    namespace: required(flags.namespace, "namespace"),
    bundle: flags.bundle || process.cwd(),
    environment: process.env,
    warn: (message) => writeStderr(`${message}\n`),
  });
  await Bun.write(Bun.stdout, answer);
}

async function serve(flags: ShimFlags): Promise<void> {
  const [{ runShim }, { LISTENER_FD, NOFILE_VARIABLE, parseNofile }] = await Promise.all([
    import("../../lib/shim/server.ts"),
    import("../../lib/shim/launch.ts"),
  ]);
  const kernel = openKernel();
  const namespace = required(flags.namespace, "namespace");
  await runShim(kernel, {
    namespace,
    bundle: process.cwd(),
    debug: flags.debug,
    listener: LISTENER_FD,
    socketPath: required(flags.socket, "socket"),
    eventAddress: process.env["TTRPC_ADDRESS"] ?? "",
    environment: process.env,
    nofile: parseNofile(process.env[NOFILE_VARIABLE]),
  });
}

async function standBy(name: string, flags: ShimFlags): Promise<void> {
  const standby = await import("../../lib/shim/standby.ts");
  await standby.standBy(openKernel(), {
    ...{ name, address: flags.address ?? "", debug: flags.debug },
    environment: environment(["PATH", "TTRPC_ADDRESS"]),
  });
}

function required(value: string | undefined, name: string): string {
  if (value !== undefined && value !== "") return value;
  throw new TypeError(`-${name} is missing`);
}

async function printVersion(name: string): Promise<void> {
  const { COMMIT, VERSION } = await import("../version.ts");
  await writeStdout(`${name}:\n  Version:  ${VERSION}\n  Revision: ${COMMIT}\n\n`);
}

async function printInfo(): Promise<void> {
  const { describeShim } = await import("../../lib/shim/info.ts");
  const { COMMIT, SPEC_VERSION, VERSION } = await import("../version.ts");
  const build = { version: VERSION, commit: COMMIT, ociVersionMax: SPEC_VERSION };
  const kernel = openKernel();
  await Bun.write(Bun.stdout, describeShim(kernel.architecture, build, await readInput(kernel)));
}

function usage(name: string): string {
  return `${name} is called by containerd, for --runtime io.containerd.tsrun.v2.

  ${name} -namespace NAME -id ID -address PATH start    in a bundle: start its shim, print the address
  ${name} -namespace NAME -id ID -bundle DIR delete     remove what a shim has left of a container
  ${name} -address PATH standby                         load everything, and wait for a task on standard input
  ${name} -info                                         what it is, in protobuf
  ${name} -v                                            its version
`;
}
