import { ContainerError } from "../errors.ts";
import { connectStream } from "../linux/socket.ts";
import { announce, announcementOf } from "./announce.ts";
import { loadBundle } from "./bundle.ts";
import { createContainer } from "./create-container.ts";
import { destroy } from "./destroy.ts";
import type { CreateRequest, RuntimeOptions } from "./options.ts";

/** runtime.md § Create. @throws {ContainerError} and leaves nothing behind */
export async function create(options: RuntimeOptions, request: CreateRequest): Promise<void> {
  const bundle = loadBundle(options.kernel, request.bundle, options.mark);
  for (const warning of bundle.warnings) options.warn(warning);
  const hasTerminal = bundle.config.process?.terminal === true;
  refuseConsoleSocket(request, hasTerminal);
  using console =
    request.consoleSocket === undefined ? undefined : connectStream(options.kernel, request.consoleSocket);
  const created = await createContainer(options, request, bundle, { console });
  try {
    await announce(options, announcementOf(request, bundle.config.annotations), created.initPid);
  } catch (error) {
    await destroy(options, created.record);
    throw error;
  }
}

/** A container that outlives this command has its terminal at a console socket, and nothing else there. */
export function refuseConsoleSocket(
  { consoleSocket }: { readonly consoleSocket?: string | undefined },
  hasTerminal: boolean,
): void {
  if (hasTerminal === (consoleSocket !== undefined)) return;
  const why = hasTerminal
    ? "cannot allocate tty if tsrun will detach without setting console socket"
    : "cannot use console socket if tsrun will not detach or allocate tty";
  throw new ContainerError("invalid_argument", why);
}
