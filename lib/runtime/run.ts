import { ContainerError } from "../errors.ts";
import { connectStream, socketPair } from "../linux/socket.ts";
import { announce, announcementOf } from "./announce.ts";
import { type Bundle, loadBundle } from "./bundle.ts";
import { lockContainer } from "./container-store.ts";
import { refuseConsoleSocket } from "./create.ts";
import { createContainer } from "./create-container.ts";
import { destroy } from "./destroy.ts";
import type { CreatedContainer } from "./follow-program.ts";
import { type InitWatch, watchInit } from "./foreground.ts";
import { openProxy } from "./open-proxy.ts";
import { openRelay } from "./open-relay.ts";
import type { CreateRequest, RuntimeOptions } from "./options.ts";
import { startLocked } from "./start.ts";
import type { TerminalRelay } from "./terminal-relay.ts";

export interface RunRequest extends CreateRequest {
  /** Returns when the program runs. */
  readonly detach: boolean;
  /** Leaves the container there when its program has ended. */
  readonly keep: boolean;
  /** Leaves orphans of the container to the next subreaper. */
  readonly noSubreaper: boolean;
}

/**
 * Creates and starts a container. In the foreground waits for its program, removes the container and gives the
 * program's status, 128+n after signal n; detached gives 0.
 */
export async function run(options: RuntimeOptions, request: RunRequest): Promise<number> {
  const bundle = loadBundle(options.kernel, request.bundle, options.mark);
  for (const warning of bundle.warnings) options.warn(warning);
  const hasTerminal = bundle.config.process?.terminal === true;
  if (request.detach) {
    refuseConsoleSocket(request, hasTerminal);
    await runDetached(options, request, bundle);
    return 0;
  }
  if (request.consoleSocket !== undefined) {
    throw new ContainerError("invalid_argument", "cannot use console socket if tsrun will not detach or allocate tty");
  }
  return await runInForeground(options, request, bundle, hasTerminal);
}

async function runDetached(options: RuntimeOptions, request: RunRequest, bundle: Bundle): Promise<void> {
  const path = request.consoleSocket;
  using console = path === undefined ? undefined : connectStream(options.kernel, path);
  const created = await createContainer(options, request, bundle, { console });
  using proxy = await openProxy(options, request.id, request.notifySocket);
  await orDestroy(options, created, () => startNew(options, request, created));
  proxy?.wait(created.initPid);
}

async function runInForeground(
  options: RuntimeOptions,
  request: RunRequest,
  bundle: Bundle,
  hasTerminal: boolean,
): Promise<number> {
  let watch: InitWatch | undefined;
  let relay: TerminalRelay | undefined;
  try {
    const [near, far] = hasTerminal ? socketPair(options.kernel) : [];
    using console = near;
    using remote = far;
    const created = await createContainer(options, request, bundle, {
      console: remote,
      foreground: true,
      meanwhile: () => {
        watch = watchInit(options.kernel, { subreaper: !request.noSubreaper });
      },
    });
    using proxy = await openProxy(options, request.id, request.notifySocket);
    await orDestroy(options, created, async () => {
      if (console !== undefined) relay = await openRelay(options.kernel, console);
      await startNew(options, request, created);
    });
    watch ??= watchInit(options.kernel, { subreaper: !request.noSubreaper });
    proxy?.follow(process.pid);
    const status = await watch.wait(created.initPid, () => relay?.resize());
    options.mark?.("wait for the program");
    await relay?.stop();
    relay = undefined;
    if (!request.keep) await destroy(options, created.record);
    options.mark?.("remove container");
    return status;
  } finally {
    await relay?.stop();
    watch?.close();
  }
}

/** Writes the pid file and starts the program. */
async function startNew(options: RuntimeOptions, request: RunRequest, created: CreatedContainer): Promise<void> {
  await announce(options, announcementOf(request, created.record.annotations), created.initPid);
  using directory = await lockContainer(options, request.id);
  await startLocked(options, created.record, directory);
}

/** A container that cannot start is removed. */
async function orDestroy(options: RuntimeOptions, created: CreatedContainer, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await destroy(options, created.record);
    throw error;
  }
}
