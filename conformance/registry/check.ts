import { explain } from "../../lib/errors.ts";
import type { Tally } from "../harness/tally.ts";
import type { RegistrySite } from "./site.ts";

/** One thing that has to be so. */
export interface Check {
  readonly name: string;
  /** @throws {Error} with what is not so */
  readonly run: (site: RegistrySite) => Promise<void>;
}

/** Runs checks one after the other; each is on its own. */
export async function runChecks(checks: readonly Check[], site: RegistrySite, tally: Tally): Promise<void> {
  for (const { name, run } of checks) {
    try {
      await run(site);
      tally.pass(name);
    } catch (error) {
      tally.fail(name, explain(error).split("\n"));
    }
  }
}

/** @throws {Error} with both */
export function expectEqual(what: string, found: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(found), JSON.stringify(expected)];
  if (is !== should) throw new Error(`${what} is ${is}, not ${should}`);
}

/** @throws {Error} when some work succeeds, or fails with another text */
export async function expectFailure(work: () => Promise<unknown>, pattern: RegExp): Promise<void> {
  let text: string;
  try {
    await work();
    text = "it succeeds";
  } catch (error) {
    text = explain(error);
  }
  if (!pattern.test(text)) throw new Error(`expected ${pattern}: ${text}`);
}
