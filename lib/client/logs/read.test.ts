import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { openKernel } from "../../linux/kernel.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { type LogRange, readLog } from "./read.ts";

const ALL: LogRange = { tail: undefined, sinceMs: undefined, untilMs: undefined };

function line(text: string, second = 0, stream = "stdout"): string {
  const time = `2026-01-02T03:04:${String(second).padStart(2, "0")}.000000001Z`;
  return `${JSON.stringify({ log: `${text}\n`, stream, time })}\n`;
}

describe("readLog()", () => {
  const kernel = openKernel();
  let place: TemporaryDirectory;
  let path: string;

  beforeEach(() => {
    place = new TemporaryDirectory();
    path = place.at("log");
  });

  afterEach(() => place[Symbol.dispose]());

  const textsOf = async (range: Partial<LogRange> = {}, ended?: Promise<unknown>) => {
    const texts: string[] = [];
    for await (const entries of readLog(kernel, path, { ...ALL, ...range }, ended)) {
      texts.push(...entries.map(({ log }) => log.trimEnd()));
    }
    return texts;
  };

  const writeRotated = () => {
    writeFileSync(`${path}.2`, line("1", 1) + line("2", 2));
    writeFileSync(`${path}.1`, line("3", 3) + line("4", 4));
    writeFileSync(path, line("5", 5));
  };

  it("reads nothing of a log that is not there", async () => {
    expect(await textsOf()).to.deep.equal([]);
    expect(await textsOf({ tail: 3 })).to.deep.equal([]);
  });

  it("reads the files of a log in their order", async () => {
    writeRotated();
    expect(await textsOf()).to.deep.equal(["1", "2", "3", "4", "5"]);
  });

  for (const [tail, expected] of [
    [0, []],
    [1, ["5"]],
    [2, ["4", "5"]],
    [3, ["3", "4", "5"]],
    [4, ["2", "3", "4", "5"]],
    [5, ["1", "2", "3", "4", "5"]],
    [99, ["1", "2", "3", "4", "5"]],
  ] as const) {
    it(`finds the last ${tail}`, async () => {
      writeRotated();
      expect(await textsOf({ tail })).to.deep.equal(expected);
    });
  }

  it("finds the last ones of files larger than what is read at once", async () => {
    const texts = Array.from({ length: 5000 }, (_, index) => `${"x".repeat(index % 100)} ${index}`);
    writeFileSync(path, texts.map((text) => line(text)).join(""));
    expect(await textsOf({ tail: 3000 })).to.deep.equal(texts.slice(2000));
    expect(await textsOf()).to.deep.equal(texts);
  });

  it("counts a line once that came in parts, also in several files", async () => {
    const part = (log: string) => `${JSON.stringify({ log, stream: "stdout", time: "2026-01-02T03:04:05Z" })}\n`;
    writeFileSync(`${path}.1`, part("one\n") + part("tw"));
    writeFileSync(path, part("o\\") + part("n") + part("\n") + part("#") + part(" "));
    expect((await textsOf({ tail: 1 })).join("")).to.equal("#");
    expect((await textsOf({ tail: "unfinished" })).join("")).to.equal("#");
    expect((await textsOf({ tail: 2 })).join("")).to.equal("two\\n#");
    expect((await textsOf({ tail: 3 })).join("")).to.equal("onetwo\\n#");
    writeFileSync(path, part("#") + part("\n"));
    expect(await textsOf({ tail: "unfinished" })).to.deep.equal([]);
    writeFileSync(path, part("x".repeat(100_000)));
    expect(await textsOf({ tail: "unfinished" })).to.deep.equal([]);
  });

  it("takes times into account", async () => {
    writeRotated();
    const at = (second: number) => Date.parse(`2026-01-02T03:04:0${second}.000Z`);
    expect(await textsOf({ sinceMs: at(4) })).to.deep.equal(["4", "5"]);
    expect(await textsOf({ untilMs: at(3) - 1 })).to.deep.equal(["1", "2"]);
  });

  it("passes over what is no entry", async () => {
    writeFileSync(path, `${line("1")}garbage\n{"log":1}\nnull\n\n${line("2")}{"log":"half`);
    expect(await textsOf()).to.deep.equal(["1", "2"]);
  });

  it("reads a plain file, too, to its last byte", async () => {
    writeFileSync(path, "plain\n{}\n\nlast");
    expect(await textsOf()).to.deep.equal(["plain", "{}", "", "last"]);
    expect(await textsOf({ tail: 1 })).to.deep.equal(["last"]);
    writeFileSync(path, "half");
    expect(await textsOf()).to.deep.equal(["half"]);
  });

  it("follows a log through what is written, renamed and begun anew, to the last byte before the end", async () => {
    writeFileSync(path, line("1"));
    const seen: string[] = [];
    const end = Promise.withResolvers<void>();
    const steps = [
      () => appendFileSync(path, line("2")),
      () => {
        appendFileSync(path, line("3"));
        renameSync(path, `${path}.1`);
        writeFileSync(path, line("4"));
      },
      () => {
        // Twice between two looks.
        renameSync(`${path}.1`, `${path}.3`);
        renameSync(path, `${path}.2`);
        writeFileSync(`${path}.1`, line("5"));
        writeFileSync(path, line("6"));
      },
      () => {
        appendFileSync(path, line("7"));
        end.resolve();
      },
    ];
    for await (const entries of readLog(kernel, path, ALL, end.promise)) {
      const isNew = entries.length > 0;
      seen.push(...entries.map(({ log }) => log.trimEnd()));
      if (isNew) steps.shift()?.();
    }
    expect(seen).to.deep.equal(["1", "2", "3", "4", "5", "6", "7"]);
  });
});
