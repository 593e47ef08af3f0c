import { ContainerError } from "../../errors.ts";

/** PROTOCOL-HTTP2.md of gRPC, TimeoutUnit, in milliseconds. */
const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };
/** setTimeout() takes what is longer for 1 ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The milliseconds of a header `grpc-timeout`; undefined when there is none. @throws {ContainerError} invalid_argument */
export function parseTimeout(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const [, digits = "", unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  const factor = UNITS[unit];
  if (factor === undefined) throw new ContainerError("invalid_argument", `grpc-timeout "${header}" is no time`);
  return Math.min(Math.ceil(Number(digits) * factor), MAX_TIMEOUT_MS);
}
