import { expect } from "chai";
import { block, chunksOf, metaOf, paxOf, tarEntry, tarOf } from "../testing/layers.ts";
import { refusal } from "../testing/metadata.ts";
import type { TarEntry } from "./tar-entry.ts";
import { TarReader } from "./tar-reader.ts";
import { encodeHeader, TAR_END } from "./tar-writer.ts";

interface Read {
  readonly entry: TarEntry;
  readonly content: string;
}

async function readAll(archive: Uint8Array, chunkBytes?: number): Promise<readonly Read[]> {
  const reader = new TarReader(chunksOf(archive, chunkBytes));
  const found: Read[] = [];
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
    const content = Buffer.alloc(Math.min(entry.size, 100_000), ".");
    for (let chunk = await reader.read(); chunk !== undefined; chunk = await reader.read()) {
      content.set(chunk.bytes, chunk.offset);
    }
    found.push({ entry, content: content.toString("latin1") });
  }
  await reader.drain();
  return found;
}

const GNU = "ustar  \0";

describe("TarReader", () => {
  const long = `${"d".repeat(90)}/${"e".repeat(90)}/f`;
  const cases: readonly TarEntry[] = [
    tarEntry("a/b"),
    tarEntry("d/", { type: "directory", mode: 0o1755 }),
    tarEntry("l", { type: "link", target: "../x" }),
    tarEntry("h", { type: "hard link", target: "a/b" }),
    tarEntry("c", { type: "char", major: 4095, minor: 1_048_575 }),
    tarEntry("b", { type: "block", major: 8, minor: 1 }),
    tarEntry("p", { type: "pipe" }),
    tarEntry("ids", { uid: 2_097_152, gid: 4_294_967_294 }),
    tarEntry("bits", { mode: 0o7777 }),
    tarEntry(long),
    tarEntry("long link", { type: "link", target: long }),
    tarEntry("byte \xff name"),
    tarEntry("line\nbreak"),
    tarEntry("time", { mtime: { seconds: 1, nanoseconds: 20_000_000 } }),
    tarEntry("before", { mtime: { seconds: -2, nanoseconds: 500_000_000 } }),
    tarEntry("future", { mtime: { seconds: 2 ** 40, nanoseconds: 0 } }),
    tarEntry("x", { attributes: new Map([["user.a", Buffer.from("\0\n=\xff", "latin1")]]) }),
  ];
  for (const chunkBytes of [1, 511, 513, 65_536]) {
    it(`reads what the writer writes, in chunks of ${chunkBytes}`, async () => {
      const found = await readAll(tarOf(...cases, [tarEntry("last"), "content"]), chunkBytes);
      expect(found.slice(0, -1).map(({ entry }) => entry)).to.deep.equal(cases);
      expect(found.at(-1)?.content).to.equal("content");
    });
  }

  it("writes the same bytes for the same entry", () => {
    expect(encodeHeader(cases[16] ?? tarEntry(""))).to.deep.equal(encodeHeader(cases[16] ?? tarEntry("")));
  });

  it("passes over contents that nobody reads", async () => {
    const reader = new TarReader(chunksOf(tarOf([tarEntry("a"), "x".repeat(2000)], tarEntry("b"))));
    const names = [(await reader.next())?.name, (await reader.next())?.name, await reader.next()];
    expect(names).to.deep.equal(["a", "b", undefined]);
  });

  it("reads numbers in base 256, negative ones too", async () => {
    const [{ entry } = { entry: undefined }] = await readAll(
      Buffer.concat([block({ 108: "\x80\0\0\0\0\x30\0\0", 136: `${"\xff".repeat(11)}\xfe`, 257: GNU }), TAR_END]),
    );
    expect(entry?.uid).to.equal(0x300000);
    expect(entry?.mtime).to.deep.equal({ seconds: -2, nanoseconds: 0 });
  });

  it("reads V7 archives, where a slash makes a directory", async () => {
    const found = await readAll(Buffer.concat([block({ 0: "old/" }), block({ 0: "f", 156: "0" })]));
    expect(found.map(({ entry }) => entry.type)).to.deep.equal(["directory", "file"]);
  });

  it("reads GNU's long names and links", async () => {
    const meta = (flag: string, text: string) => [
      block({ 0: "././@LongLink", 124: `${(text.length + 1).toString(8).padStart(11, "0")} `, 156: flag, 257: GNU }),
      Buffer.from(text.padEnd(512 * Math.ceil((text.length + 1) / 512), "\0")),
    ];
    const parts = [...meta("L", long), ...meta("K", "t".repeat(600)), block({ 156: "2", 257: GNU })];
    const [{ entry } = { entry: undefined }] = await readAll(Buffer.concat([...parts, TAR_END]));
    expect([entry?.name, entry?.target]).to.deep.equal([long, "t".repeat(600)]);
  });

  it("reads names with a prefix", async () => {
    const [{ entry } = { entry: undefined }] = await readAll(
      Buffer.concat([block({ 257: "ustar\u000000", 345: "some/where" }), TAR_END]),
    );
    expect(entry?.name).to.equal("some/where/f");
  });

  it("takes no note of global headers and of zeros at the end", async () => {
    const found = await readAll(Buffer.concat([block({ 156: "g" }), tarOf(tarEntry("a")), new Uint8Array(10_000)]));
    expect(found.map(({ entry }) => entry.name)).to.deep.equal(["a"]);
    expect(await readAll(Buffer.alloc(0))).to.deep.equal([]);
    expect(await readAll(encodeHeader(tarEntry("no end")))).to.have.length(1);
  });

  it("takes an archive that ends with the last byte of a file, as umoci makes them", async () => {
    const whole = tarOf(tarEntry("a"), [tarEntry("b"), "content"]);
    for (const end of [7, 8, 511, 512]) {
      const found = await readAll(whole.subarray(0, 2 * 512 + end));
      expect(found.map(({ entry, content }) => [entry.name, content])).to.deep.equal([
        ["a", ""],
        ["b", "content"],
      ]);
    }
    expect(await refusal(() => readAll(whole.subarray(0, 2 * 512 + 6)))).to.match(/it ends in the middle of an entry$/);
  });

  describe("sparse files", () => {
    const octal = (value: number) => `${value.toString(8).padStart(11, "0")}\0`;
    const data = Buffer.from("AAAABB".padEnd(512, "\0"));
    const expected = "..AAAA..BB..";

    it("in GNU's old format", async () => {
      const header = block({
        ...{ 124: octal(6), 156: "S", 257: GNU, 386: octal(2) + octal(4) + octal(8) + octal(2) },
        483: octal(12),
      });
      const [read] = await readAll(Buffer.concat([header, data, TAR_END]));
      expect([read?.entry.size, read?.content]).to.deep.equal([12, expected]);
    });

    it("in GNU's old format, with a map that goes on", async () => {
      const header = block({
        ...{ 124: octal(6), 156: "S", 257: GNU, 386: octal(2) + octal(4), 482: "\x01" },
        483: octal(12),
      });
      const more = Buffer.alloc(512);
      more.write(octal(8) + octal(2), "latin1");
      const [read] = await readAll(Buffer.concat([header, more, data, TAR_END]));
      expect(read?.content).to.equal(expected);
    });

    const pax = (records: readonly string[], size: number) => {
      const bytes = Buffer.from(records.map((record) => `${record.length + 4} ${record}\n`).join(""), "latin1");
      const fill = Buffer.alloc((512 - (bytes.length % 512)) % 512);
      return Buffer.concat([block({ 124: octal(bytes.length), 156: "x" }), bytes, fill, block({ 124: octal(size) })]);
    };

    it("in version 0.0", async () => {
      const part = (at: number, length: number) => [`GNU.sparse.offset=${at}`, `GNU.sparse.numbytes=${length}`];
      const head = pax(["GNU.sparse.size=12", "GNU.sparse.numblocks=2", ...part(2, 4), ...part(8, 2)], 6);
      expect((await readAll(Buffer.concat([head, data, TAR_END])))[0]?.content).to.equal(expected);
    });

    it("in version 0.1", async () => {
      const head = pax(["GNU.sparse.size=12", "GNU.sparse.map=2,4,8,2", "GNU.sparse.name=real"], 6);
      const [read] = await readAll(Buffer.concat([head, data, TAR_END]));
      expect([read?.entry.name, read?.content]).to.deep.equal(["real", expected]);
    });

    it("in version 1.0", async () => {
      const records = ["GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=real", "GNU.sparse.realsize=12"];
      const map = Buffer.from("2\n2\n4\n8\n2\n".padEnd(512, "\0"));
      const [read] = await readAll(Buffer.concat([pax(records, 518), map, data, TAR_END]));
      expect([read?.entry.name, read?.content]).to.deep.equal(["real", expected]);
    });

    for (const [what, map, size] of [
      ["overlap", "2,4,3,2", 6],
      ["are outside of it", "2,4,11,2", 6],
      ["are not its bytes", "2,4,8,2", 7],
      ["not complete", "2,4,8", 6],
      ["a part of a sparse file is", "2,4,8,x", 6],
    ] as const) {
      it(`whose parts are refused: ${what}`, async () => {
        const head = pax(["GNU.sparse.size=12", `GNU.sparse.map=${map}`], size);
        const text = await refusal(() => readAll(Buffer.concat([head, data, TAR_END])));
        expect(text).to.match(/^invalid_argument: /);
        expect(text).to.contain(what);
      });
    }
  });

  for (const [what, archive, why] of [
    [
      "a wrong checksum",
      Buffer.concat([Buffer.from("x"), block({}).subarray(1), TAR_END]),
      "the checksum of a header is wrong",
    ],
    ["text", Buffer.from("this is no archive".repeat(100)), "a number of a header is"],
    ["an end within a header", block({}).subarray(0, 300), "it ends in the middle of an entry"],
    [
      "an end within a file",
      tarOf([tarEntry("a"), "x".repeat(2000)]).subarray(0, 1000),
      "it ends in the middle of an entry",
    ],
    ["an unknown type", block({ 156: "Z" }), 'the type "Z" of an entry is not known'],
    ["a file of many volumes", block({ 156: "M" }), 'the type "M" of an entry is not known'],
    ["digits that are none", block({ 108: "00009999" }), "a number of a header is"],
    ["a negative size", block({ 124: "\xff".repeat(12) }), "a size is -1"],
    ["a size beyond all", block({ 124: `\x80${"\x7f".repeat(11)}` }), "a number of a header is too large"],
    ["an owner beyond 32 bits", block({ 108: "\x80\0\0\x01\0\0\0\0" }), "an owner is 4294967296"],
    ["a huge extended header", block({ 124: "77777777777\0", 156: "x" }), "an extended header has 8589934591 bytes"],
    ["a huge long name", block({ 124: "00077777777\0", 156: "L", 257: GNU }), "an extended header has 16777215 bytes"],
    ["a long name that is cut", block({ 124: "00000001000\0", 156: "L", 257: GNU }), "it ends in an extended header"],
    ["extended headers without end", Buffer.concat(Array.from({ length: 9 }, () => block({ 156: "g" }))), "too many"],
    ["zeros between entries", Buffer.concat([new Uint8Array(512), block({})]), "zeros stands between entries"],
    ["a name of 5000 bytes", tarOf(tarEntry("n".repeat(5000))), "a name has 5000 bytes"],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const text = await refusal(() => readAll(archive));
      expect(text).to.match(/^invalid_argument: invalid tar archive: /);
      expect(text).to.contain(why);
    });
  }

  describe("what says two things, as Go reads it", () => {
    const header = (fields: Readonly<Record<number, string>> = {}) => block({ 156: "0", ...fields });
    const size = (bytes: number) => ({ 124: `${bytes.toString(8).padStart(11, "0")}\0` });
    for (const [what, archive, expected] of [
      [
        "a slash at the end of a file's name makes no directory, and its bytes are its own",
        [header({ 0: "f/", ...size(512) }), header({ 0: "smuggled" }), header({ 0: "next" })],
        ["file f/ 512", "file next 0"],
      ],
      [
        "an old directory has no bytes, either",
        [block({ 0: "d/", 156: "\0", ...size(5) }), header({ 0: "next" })],
        ["directory d/ 0", "file next 0"],
      ],
      [
        "sizes of what has no bytes mean nothing",
        [header({ 156: "5", ...size(512) }), header({ 0: "next" }), header({ 156: "2", ...size(512) })],
        ["directory f 0", "file next 0", "link f 0"],
      ],
      [
        "a name of GNU goes before that of pax",
        [
          metaOf("L", "long\0"),
          paxOf([["path", "pax"]]),
          header(),
          paxOf([["path", "pax"]]),
          metaOf("L", "long"),
          header(),
        ],
        ["file long 0", "file long 0"],
      ],
      [
        "a record without a value leaves what there is",
        [
          paxOf([
            ["path", ""],
            ["linkpath", ""],
            ["size", ""],
          ]),
          header({ 0: "f" }),
        ],
        ["file f 0"],
      ],
      [
        "the last of several extended headers counts, and the last of its records",
        [
          paxOf([
            ["path", "one"],
            ["size", "512"],
          ]),
          paxOf([
            ["path", "two"],
            ["path", "three"],
          ]),
          header(),
        ],
        ["file three 0"],
      ],
      [
        "a size of pax goes before that of the header, also when it hides one",
        [paxOf([["size", "512"]]), header(), header({ 0: "hidden" }), header({ 0: "next" })],
        ["file f 512", "file next 0"],
      ],
      [
        "a name for a sparse file is none for another",
        [
          paxOf([
            ["GNU.sparse.name", "other"],
            ["GNU.sparse.size", "99"],
          ]),
          header(),
        ],
        ["file f 0"],
      ],
      ["a global header says nothing of an entry", [metaOf("g", "13 path=evil\n"), header()], ["file f 0"]],
    ] as const) {
      it(what, async () => {
        const read = await readAll(Buffer.concat([...archive, TAR_END]));
        expect(read.map(({ entry }) => `${entry.type} ${entry.name} ${entry.size}`)).to.deep.equal(expected);
      });
    }
  });

  for (const records of ["5 a=b\n", "99 a=b\n", "7 a=b\n", "x a=b\n", "-1 a\n", "7 path\n", "11 path=a\0\n"]) {
    it(`refuses the extended header ${JSON.stringify(records)}`, async () => {
      const size = `${records.length.toString(8).padStart(11, "0")}\0`;
      const bytes = Buffer.from(records.padEnd(512, "\0"), "latin1");
      const archive = Buffer.concat([block({ 124: size, 156: "x" }), bytes, block({}), TAR_END]);
      expect(await refusal(() => readAll(archive))).to.match(/^invalid_argument: invalid tar archive: /);
    });
  }
});
