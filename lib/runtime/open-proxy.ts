import { explain } from "../errors.ts";
import { isDirectory } from "../linux/files.ts";
import { containerDirectory, NOTIFY_DIRECTORY } from "./container-store.ts";
import type { NotifyProxy } from "./notify-socket.ts";
import type { RuntimeOptions } from "./options.ts";

/**
 * The proxy of the service manager's socket, where there is a manager and a container that was made for one. A program
 * that cannot tell that it is ready runs all the same: the failure is a warning.
 */
export async function openProxy(
  options: RuntimeOptions,
  id: string,
  notifySocket: string | undefined,
): Promise<NotifyProxy | undefined> {
  if (notifySocket === undefined) return undefined;
  if (!isDirectory(options.kernel, `${containerDirectory(options, id)}/${NOTIFY_DIRECTORY}`)) return undefined;
  const module = await import("./notify-socket.ts");
  try {
    return new module.NotifyProxy(options, id, notifySocket);
  } catch (error) {
    options.warn(`cannot tell the service manager when the container is ready: ${explain(error)}`);
    return undefined;
  }
}
