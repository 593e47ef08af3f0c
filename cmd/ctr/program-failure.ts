import { ContainerError, explain } from "../../lib/errors.ts";
import { ExitError } from "../exit-error.ts";
import { UsageError } from "../usage-error.ts";

/** Docker's exit statuses for a program that was not run. */
const EXIT_NOT_RUN = 125;
const EXIT_NOT_EXECUTABLE = 126;
const EXIT_NOT_FOUND = 127;

/** For `run` and `exec`: whatever goes wrong before the program runs has a status that no program is likely to have. */
export function notRun(error: unknown): never {
  if (error instanceof ExitError || error instanceof UsageError) throw error;
  if (!(error instanceof ContainerError)) throw new ExitError(EXIT_NOT_RUN, error);
  throw new ExitError(statusOf(explain(error)), error);
}

/** As docker finds it out: from the words of the runtime. */
function statusOf(text: string): number {
  if (!text.includes("exec")) return EXIT_NOT_RUN;
  if (/executable file not found|no such file or directory/.test(text)) return EXIT_NOT_FOUND;
  return /permission denied|is a directory/.test(text) ? EXIT_NOT_EXECUTABLE : EXIT_NOT_RUN;
}
