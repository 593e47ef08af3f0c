import { expect } from "chai";
import { digestOf } from "../../image/digest.ts";
import { memoryStores, refusal } from "../../testing/metadata.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { NO_LABELS } from "../labels.ts";
import { ContentStore } from "./content-store.ts";
import { type WriteRequest, WriteSession } from "./write-session.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const HELLO = digestOf("hello");

describe("WriteSession", () => {
  let folder: TemporaryDirectory;
  let content: ContentStore;

  beforeEach(() => {
    folder = new TemporaryDirectory();
    content = new ContentStore({ ...memoryStores(), root: folder.at("content") });
  });
  afterEach(() => folder[Symbol.dispose]());

  const request = (fields: Partial<WriteRequest>): WriteRequest => ({
    ...{ action: "stat", ref: "", total: 0, expected: "", offset: 0, data: new Uint8Array(), labels: NO_LABELS },
    ...fields,
  });
  const open = () => new WriteSession(content.ingests, { namespace: "n" });

  it("writes, tells the digest so far, and commits", async () => {
    await using session = open();
    expect(await session.handle(request({ ref: "r", total: 5, expected: HELLO }))).to.include({ offset: 0, total: 5 });
    const half = await session.handle(request({ action: "write", data: bytes("hel") }));
    expect(half).to.include({ offset: 3, digest: digestOf("hel") });
    const labels = new Map([["a", "b"]]);
    const done = await session.handle(request({ action: "commit", offset: 3, data: bytes("lo"), labels }));
    expect(done).to.include({ offset: 5, digest: HELLO });
    expect(content.blobs.info("n", HELLO)).to.deep.include({ size: 5, labels });
  });

  it("goes on where another has stopped, and begins anew at 0", async () => {
    {
      await using session = open();
      await session.handle(request({ action: "write", ref: "r", data: bytes("hel") }));
    }
    await using session = open();
    expect(await session.handle(request({ ref: "r" }))).to.include({ offset: 3 });
    expect(await refusal(() => session.handle(request({ action: "write", offset: 9, data: bytes("x") })))).to.equal(
      "out_of_range: write @9 must occur at current offset 3",
    );
    expect(await session.handle(request({ action: "write", data: bytes("x") }))).to.include({ offset: 1 });
  });

  it("lets one write at a time", async () => {
    await using first = open();
    await first.handle(request({ ref: "r" }));
    await using second = open();
    expect(await refusal(() => second.handle(request({ ref: "r" })))).to.match(/^unavailable: .*locked/);
  });

  for (const [what, requests] of [
    ["no ref", [{}]],
    ["a negative total", [{ ref: "r", total: -1 }]],
    ["another total", [{ ref: "r", total: 5 }, { total: 6 }]],
    ["another digest", [{ ref: "r", expected: HELLO }, { expected: digestOf("x") }]],
    ["what is no digest", [{ ref: "r", expected: "md5:1" }]],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await using session = open();
      const all = async () => {
        for (const fields of requests) await session.handle(request(fields));
      };
      expect(await refusal(all)).to.match(/^invalid_argument: /);
    });
  }

  it("refuses a commit of other bytes", async () => {
    await using session = open();
    await session.handle(request({ action: "write", ref: "r", expected: HELLO, data: bytes("hullo") }));
    const commit = () => session.handle(request({ action: "commit", offset: 5 }));
    expect(await refusal(commit)).to.match(/^failed_precondition: unexpected commit digest/);
  });
});
