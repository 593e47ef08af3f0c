import { type Flag, last } from "../flags.ts";
import { signalNumber } from "../runtime/signals.ts";

/** `--signal NAME`: a signal by name or number. */
export function signalFlag(summary: string): Flag<number | undefined> {
  return {
    summary,
    kind: "text",
    short: "s",
    label: "SIGNAL",
    parse: (texts) => {
      const given = last(texts);
      if (given === undefined) return undefined;
      const number = signalNumber(given);
      if (number !== undefined && number > 0) return number;
      throw new TypeError("must be the name of a signal, such as TERM or SIGKILL, or a number from 1 to 64");
    },
  };
}
