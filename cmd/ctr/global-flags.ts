import { parseDuration } from "../duration.ts";
import { boolean, type Flag, last, path, text } from "../flags.ts";

const DEFAULT_TIMEOUT = "1m";

const timeout: Flag<number> = {
  summary: "how long to wait for answers that depend on no container",
  kind: "text",
  label: "TIME",
  defaultText: DEFAULT_TIMEOUT,
  parse: (texts) => {
    const ms = Math.ceil(parseDuration(last(texts) ?? DEFAULT_TIMEOUT));
    if (ms > 0) return ms;
    throw new TypeError("must be more than nothing");
  },
};

/** The options in front of the command. */
export const globalFlags = {
  address: path("socket of the daemon; $CONTAINERD_ADDRESS", { label: "PATH", short: "a" }),
  namespace: text("namespace of what the command is about; $CONTAINERD_NAMESPACE", { label: "NAME", short: "n" }),
  timeout,
  debug: boolean("print where in this program an internal error comes from"),
  version: boolean("print the version of this program", { short: "v" }),
};
