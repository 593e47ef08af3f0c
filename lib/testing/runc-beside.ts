import { expect } from "chai";
import { type Outcome, startProgram } from "./runtime-program.ts";
import type { Site } from "./runtime-site.ts";

/** Debian's runc on a state root of its own in the site, to be compared with. */
export class Runc {
  readonly #root: string;

  constructor(site: Site) {
    this.#root = `${site.folder}/runc`;
  }

  async run(...words: readonly string[]): Promise<Outcome> {
    return await startProgram(["runc", "--root", this.#root, ...words]).outcome;
  }

  /** Runs runc, which has to succeed. Gives its output. */
  async ok(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(...words);
    expect({ words, status, stderr }).to.deep.equal({ words, status: 0, stderr: "" });
    return stdout;
  }

  /** Runs the container of a bundle while `work` looks at it. */
  async withContainer(bundle: string, id: string, work: () => Promise<void>): Promise<void> {
    await this.ok("run", "--detach", "--bundle", bundle, id);
    try {
      await work();
    } finally {
      await this.run("delete", "--force", id);
    }
  }
}
