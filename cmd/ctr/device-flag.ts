import type { DeviceRequest } from "../../lib/client/devices.ts";
import { ContainerError } from "../../lib/errors.ts";

const ACCESS = /^(?=[rwm]{1,3}$)(?!.*(.).*\1)/;

/** `HOST[:CONTAINER][:rwm]`, as docker has it. @throws {ContainerError} invalid_argument */
export function parseDevice(given: string): DeviceRequest {
  const [source = "", second, third, rest] = given.split(":");
  const wrong = (why: string) => new ContainerError("invalid_argument", `--device ${given}: ${why}`);
  if (/^[\w.-]+\/[\w.-]+=/.test(given)) throw wrong("devices of CDI are not supported: name the device's file in /dev");
  if (rest !== undefined) throw wrong("must be HOST[:CONTAINER[:rwm]]");
  if (!source.startsWith("/")) throw wrong("the path of the host must be absolute, e.g. /dev/fuse");
  const isAccess = third === undefined && second !== undefined && !second.startsWith("/");
  const target = isAccess ? source : (second ?? source);
  const access = (isAccess ? second : third) ?? "rwm";
  if (!target.startsWith("/")) throw wrong("the path in the container must be absolute");
  if (!ACCESS.test(access)) throw wrong(`${JSON.stringify(access)} must be letters of rwm: read, write, mknod`);
  return { source, target, access };
}
