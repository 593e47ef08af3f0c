import { ContainerError } from "../../lib/errors.ts";
import { RequestFailure } from "../../lib/registry/failures.ts";
import { AdvisedError } from "./advice.ts";

const SERVER_FAULT = 500;

/** Does work with a registry; a refusal of the registry comes with what can be done about it. @throws {ContainerError} */
export async function advised<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ContainerError ? withAdvice(error) : error;
  }
}

function withAdvice(error: ContainerError): ContainerError {
  const advice = adviceFor(error.cause ?? error);
  return advice === undefined ? error : new AdvisedError(error.code, error.message, { advice, cause: error.cause });
}

function adviceFor(error: unknown): string | undefined {
  if (!(error instanceof RequestFailure)) return undefined;
  if (error.status === 401 || error.status === 403) {
    return "log in with docker or podman, whose config.json is read, or give --user NAME:PASSWORD";
  }
  if (error.status === 404) return "look whether name and tag are right; a registry may also hide what needs a login";
  if (/certificate|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO/i.test(error.message)) {
    return "give the registry's certificate in hosts.toml, or believe any with --skip-verify";
  }
  if (error.status >= SERVER_FAULT) return "the registry has a problem of its own: try again later";
  return error.status === 0
    ? "look whether the address is right; plain HTTP elsewhere than on loopback takes --plain-http"
    : undefined;
}
