import { readFileSync, rmSync } from "node:fs";
import { expect } from "chai";
import type { ProgramOptions } from "./runtime-program.ts";
import type { Site } from "./runtime-site.ts";

/**
 * Runs the built program, which has to fail: exit status 1, one line on standard error, and the same message as the
 * only line of level error in a JSON log. Gives the message.
 */
export async function expectFailure(
  site: Site,
  words: readonly string[],
  message: RegExp | string,
  options: ProgramOptions = {},
): Promise<void> {
  const log = `${site.folder}/failure.log`;
  rmSync(log, { force: true });
  const { status, stdout, stderr } = await site.start(["--log", log, "--log-format", "json", ...words], options)
    .outcome;
  const lines = readFileSync(log, "utf8").trimEnd().split("\n");
  const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const errors = entries.filter(({ level }) => level === "error").map(({ msg }) => `tsrun: ${String(msg)}\n`);
  expect({ status, stdout, stderr, errors }).to.deep.equal({ status: 1, stdout: "", stderr, errors: [stderr] });
  expect(stderr).to.match(/^tsrun: [^\n]+\n$/);
  if (typeof message === "string") expect(stderr).to.equal(`tsrun: ${message}\n`);
  else expect(stderr).to.match(message);
}
