import { ContainerError } from "../../errors.ts";

/** A leading group of flags, which RE2 has and JavaScript has not. */
const FLAGS = /^\(\?([ims]+)\)/;
/** What RE2 spells in another way: named groups, the ends of the text, and POSIX classes inside brackets. */
const REWRITES: readonly (readonly [RegExp, string])[] = [
  [/\(\?P</g, "(?<"],
  [/\\A/g, "^"],
  [/\\z/g, "$"],
  [/\[:alpha:\]/g, "A-Za-z"],
  [/\[:digit:\]/g, "0-9"],
  [/\[:alnum:\]/g, "0-9A-Za-z"],
  [/\[:lower:\]/g, "a-z"],
  [/\[:upper:\]/g, "A-Z"],
  [/\[:space:\]/g, "\\s"],
  [/\[:xdigit:\]/g, "0-9A-Fa-f"],
];
/** What RE2 refuses and JavaScript would take. */
const LOOKS_AROUND = /\\[1-9]|\(\?<?[=!]/;
const MAX_EXPRESSION_CHARS = 1024;

/** A regular expression of RE2's syntax, as far as clients use it. @throws {ContainerError} invalid_argument */
export function compileRegularExpression(source: string): RegExp {
  if (source.length > MAX_EXPRESSION_CHARS) throw invalid(source, `more than ${MAX_EXPRESSION_CHARS} characters`);
  const flags = FLAGS.exec(source);
  let pattern = source.slice(flags?.[0].length ?? 0);
  for (const [from, to] of REWRITES) pattern = pattern.replace(from, to);
  if (LOOKS_AROUND.test(pattern)) throw invalid(source, "it looks around or back");
  try {
    return new RegExp(pattern, [...new Set(flags?.[1] ?? "")].join(""));
  } catch (error) {
    throw invalid(source, error instanceof Error ? error.message : String(error), error);
  }
}

function invalid(source: string, why: string, cause?: unknown): ContainerError {
  const message = `invalid regular expression ${JSON.stringify(source.slice(0, MAX_EXPRESSION_CHARS))}: ${why}`;
  return new ContainerError("invalid_argument", message, { cause });
}
