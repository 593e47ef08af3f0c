import { ContainerError } from "../../lib/errors.ts";
import { parseContainerId } from "../../lib/spec/container-id.ts";
import { type Arg, optional, required } from "../args.ts";
import { signalNumber } from "./signals.ts";

/** The id of an existing or a new container. */
export const containerId: Arg<string> = required(
  "container-id",
  "the name of the container, unique on this host: letters, digits and _ + . -",
  parseContainerId,
);

/** The directory that holds config.json; the current one when it is not given. */
export const bundleArgument: Arg<string> = optional(
  "bundle",
  "directory that holds config.json (default: the current directory)",
  ".",
  (given) => given,
);

/** A signal by name or number. */
export function signal(fallback: string): Arg<number> {
  return optional("signal", `name, with or without SIG, or number (default: ${fallback})`, fallback, (given) => {
    const number = signalNumber(given);
    if (number !== undefined) return number;
    throw new ContainerError(
      "invalid_argument",
      `unknown signal ${JSON.stringify(given)}: must be a name such as TERM, SIGKILL or RTMIN+1, or a number from 0 to 64`,
    );
  });
}
