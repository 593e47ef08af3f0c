import { readdirSync } from "node:fs";
import { isErrno } from "./runtime-proc.ts";
import { requireRoot, Site } from "./runtime-site.ts";

/** A test that is given the site of its suite. */
export type SiteTest = (site: Site) => Promise<void>;

/**
 * Gives the suite a site: `it("…", checked(async (site) => { … }))` fails when the test leaves anything behind, and
 * clears it away, so that the next one starts with nothing.
 */
export function useSite(): (test: SiteTest) => () => Promise<void> {
  let opened: Site | undefined;
  before(async function () {
    requireRoot(this);
    opened = new Site();
    // What is loaded and opened once, at the first use, is no leak of a test.
    await opened.run("state", "nothing");
  });
  after(async () => {
    await opened?.close();
  });
  return (test) => async () => {
    if (opened === undefined) throw new TypeError("internal error: there is no site");
    opened.begin();
    try {
      await test(opened);
      await opened.expectNothingLeft();
    } catch (error) {
      for (const id of idsOf(opened.root)) await opened.run("delete", "--force", id);
      throw error;
    }
  };
}

function idsOf(root: string): readonly string[] {
  try {
    return readdirSync(root);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}
