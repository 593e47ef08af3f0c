import { ContainerError } from "../../errors.ts";
import { parsePattern } from "./parse-pattern.ts";
import { PatternMachine } from "./pattern.ts";

const MAX_EXPRESSION_CHARS = 1024;

/** A regular expression, of which the time to match is bounded by its length times that of the text. */
export interface RegularExpression {
  /** Whether it matches anywhere in a text. */
  test(text: string): boolean;
}

/** A regular expression of RE2's syntax, which clients know from Go. @throws {ContainerError} invalid_argument */
export function compileRegularExpression(source: string): RegularExpression {
  if (source.length > MAX_EXPRESSION_CHARS) throw invalid(source, `more than ${MAX_EXPRESSION_CHARS} characters`);
  try {
    return new PatternMachine(parsePattern(source));
  } catch (error) {
    throw invalid(source, error instanceof Error ? error.message : String(error), error);
  }
}

function invalid(source: string, why: string, cause?: unknown): ContainerError {
  const message = `invalid regular expression ${JSON.stringify(source.slice(0, MAX_EXPRESSION_CHARS))}: ${why}`;
  return new ContainerError("invalid_argument", message, { cause });
}
