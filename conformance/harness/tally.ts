/** Prints one line. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Counts verdicts and prints them; the last line and the exit status come from here. */
export class Tally {
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  pass(name: string): void {
    this.#passed += 1;
    say(`ok    ${name}`);
  }

  fail(name: string, details: readonly string[] = []): void {
    this.#failed += 1;
    say(`FAIL  ${name}`);
    for (const detail of details) say(`        ${detail}`);
  }

  skip(name: string, why: string): void {
    this.#skipped += 1;
    say(`skip  ${name}: ${why}`);
  }

  /** Prints the last line. Returns the exit status: 0 only if nothing failed and something passed. */
  finish(): number {
    say(`${this.#passed} passed, ${this.#failed} failed, ${this.#skipped} skipped`);
    return this.#failed === 0 && this.#passed > 0 ? 0 : 1;
  }
}
