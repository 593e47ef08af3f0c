import { readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { digestOf } from "../../image/digest.ts";
import { memoryStores, refusal } from "../../testing/metadata.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { NO_LABELS } from "../labels.ts";
import { ContentStore } from "./content-store.ts";
import type { Sharing } from "./ingests.ts";

const ONE = { namespace: "one" };
const TWO = { namespace: "two" };
const HELLO = new TextEncoder().encode("hello, blob");
const HELLO_DIGEST = digestOf(HELLO);
const labels = (entries: Record<string, string>) => new Map(Object.entries(entries));

class Site implements Disposable {
  readonly directory = new TemporaryDirectory();
  readonly stores = memoryStores();
  content: ContentStore;

  constructor(sharing: Sharing = "shared") {
    this.content = this.open(sharing);
  }

  /** As after a crash: what is in memory is gone. */
  reopen(): void {
    this.content = this.open("shared");
  }

  open(sharing: Sharing): ContentStore {
    return new ContentStore({ ...this.stores, root: this.directory.path, sharing });
  }

  async put(scope: { namespace: string; lease?: string }, bytes: Uint8Array, ref = "put"): Promise<string> {
    await using writer = await this.content.ingests.openWriter(scope, { ref });
    await writer.write(bytes);
    return await writer.commit();
  }

  files(): readonly string[] {
    const all = readdirSync(this.directory.path, { recursive: true, withFileTypes: true });
    return all
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath.slice(this.directory.path.length + 1)}/${entry.name}`)
      .sort();
  }

  [Symbol.dispose](): void {
    this.stores.database.close();
    this.directory[Symbol.dispose]();
  }
}

function blobFile(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}

async function read(site: Site, namespace: string, digest: string, range = {}): Promise<string> {
  await using reader = await site.content.blobs.openReader(namespace, digest);
  const parts: Uint8Array[] = [];
  for await (const chunk of reader.chunks(range)) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

describe("ContentWriter", () => {
  it("writes, tells where it is, and commits", async () => {
    using site = new Site();
    await using writer = await site.content.ingests.openWriter(ONE, { ref: "r", total: 11, expected: HELLO_DIGEST });
    await writer.write(HELLO.subarray(0, 5));
    expect(writer.digest()).to.equal(digestOf("hello"));
    expect(writer.status()).to.deep.include({ ref: "r", offset: 5, total: 11, expected: HELLO_DIGEST });
    await writer.write(HELLO.subarray(5));
    expect(await writer.commit({ size: 11, labels: labels({ a: "1", b: "" }) })).to.equal(HELLO_DIGEST);
    expect(site.content.blobs.info("one", HELLO_DIGEST)).to.deep.include({ size: 11, labels: labels({ a: "1" }) });
    expect(await read(site, "one", HELLO_DIGEST)).to.equal("hello, blob");
    expect(site.files()).to.deep.equal([blobFile(HELLO_DIGEST)]);
    expect(statSync(site.directory.at(blobFile(HELLO_DIGEST))).mode % 0o1000).to.equal(0o444);
    expect(site.content.ingests.list("one", [])).to.deep.equal([]);
    expect(await refusal(() => writer.write(HELLO))).to.equal(
      "failed_precondition: cannot write ref r: writer is closed",
    );
  });

  it("does operations in the order of the calls", async () => {
    using site = new Site();
    await using writer = await site.content.ingests.openWriter(ONE, { ref: "r" });
    const parts = [...HELLO].map((byte) => writer.write(Uint8Array.of(byte)));
    const commit = writer.commit();
    await Promise.all(parts);
    expect(await commit).to.equal(HELLO_DIGEST);
  });

  it("resumes where the bytes end, also after a crash", async () => {
    using site = new Site();
    {
      await using writer = await site.content.ingests.openWriter(ONE, { ref: "r", total: 11 });
      await writer.write(HELLO.subarray(0, 4));
    }
    const [status] = site.content.ingests.list("one", ["ref==r"]);
    expect(status).to.deep.include({ ref: "r", offset: 4, total: 11 });
    // A crash: the next writer is another store's, the one of before never closed.
    const lost = await site.content.ingests.openWriter(ONE, { ref: "r" });
    await lost.write(HELLO.subarray(4, 6));
    site.reopen();
    await using writer = await site.content.ingests.openWriter(ONE, { ref: "r" });
    expect(writer.offset).to.equal(6);
    await writer.write(HELLO.subarray(6));
    expect(await writer.commit()).to.equal(HELLO_DIGEST);
    await lost.close();
  });

  it("starts again from zero", async () => {
    using site = new Site();
    await using writer = await site.content.ingests.openWriter(ONE, { ref: "r" });
    await writer.write(new TextEncoder().encode("something longer than the blob"));
    await writer.truncate(0);
    await writer.write(HELLO);
    expect(await refusal(() => writer.truncate(3))).to.equal("unimplemented: cannot truncate an ingest to 3 bytes");
    expect(await writer.commit()).to.equal(HELLO_DIGEST);
  });

  it("locks its ref, in its namespace, until it is closed", async () => {
    using site = new Site();
    const open = (scope: { namespace: string }) => site.content.ingests.openWriter(scope, { ref: "r" });
    const first = await open(ONE);
    expect(await refusal(() => open(ONE))).to.equal("unavailable: ref r locked: another writer has it");
    expect(await refusal(() => site.content.ingests.abort("one", "r"))).to.match(/^unavailable: /);
    await (await open(TWO)).close();
    await first.close();
    await first.close();
    await (await open(ONE)).close();
    const [won, lost] = await Promise.allSettled([open(ONE), open(ONE)]);
    expect([won.status, lost.status]).to.deep.equal(["fulfilled", "rejected"]);
    const writers = [won, lost].flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    for (const writer of writers) await writer.close();
  });

  it("refuses another size and another digest; wrong bytes are not resumed", async () => {
    using site = new Site();
    await using writer = await site.content.ingests.openWriter(ONE, { ref: "r" });
    await writer.write(HELLO);
    expect(await refusal(() => writer.commit({ size: 12 }))).to.equal(
      "failed_precondition: unexpected commit size 11, expected 12",
    );
    const other = digestOf("other");
    expect(await refusal(() => writer.commit({ expected: other }))).to.equal(
      `failed_precondition: unexpected commit digest ${HELLO_DIGEST}, expected ${other}`,
    );
    expect(writer.offset).to.equal(0);
    await writer.write(new TextEncoder().encode("other"));
    expect(await writer.commit({ expected: other, size: 5 })).to.equal(other);
  });

  it("knows sha512, said at the beginning or at the end", async () => {
    using site = new Site();
    const digest = `sha512:${new Bun.CryptoHasher("sha512").update(HELLO).digest("hex")}`;
    await using early = await site.content.ingests.openWriter(ONE, { ref: "r", expected: digest });
    await early.write(HELLO);
    expect(await early.commit()).to.equal(digest);
    await using late = await site.content.ingests.openWriter(TWO, { ref: "r" });
    await late.write(HELLO);
    expect(await late.commit({ expected: digest })).to.equal(digest);
  });

  it("refuses what is there", async () => {
    using site = new Site();
    await site.put(ONE, HELLO);
    const known = `already_exists: content ${HELLO_DIGEST}: already exists`;
    const open = () => site.content.ingests.openWriter(ONE, { ref: "r", expected: HELLO_DIGEST });
    expect(await refusal(open)).to.equal(known);
    expect(await refusal(() => site.put(ONE, HELLO))).to.equal(known);
    expect(site.content.ingests.list("one", [])).to.deep.equal([]);
    expect(site.files()).to.deep.equal([blobFile(HELLO_DIGEST)]);
    for (const ref of ["", "x".repeat(5000)]) {
      expect(await refusal(() => site.content.ingests.openWriter(ONE, { ref }))).to.match(/^invalid_argument: /);
    }
    const bad = () => site.content.ingests.openWriter(ONE, { ref: "r", expected: "sha256:../x" });
    expect(await refusal(bad)).to.equal('invalid_argument: invalid digest "sha256:../x"');
  });

  it("gives what it makes to the lease of the request, also what is there", async () => {
    using site = new Site();
    const { leases } = site.stores;
    for (const id of ["a", "b"]) leases.create("one", { id, labels: NO_LABELS });
    const writer = await site.content.ingests.openWriter({ namespace: "one", lease: "a" }, { ref: "r" });
    expect(leases.listResources("one", "a")).to.deep.equal([{ type: "ingests", id: "r" }]);
    await writer.write(HELLO);
    await writer.commit();
    const held = [{ type: "content", id: HELLO_DIGEST }];
    expect(leases.listResources("one", "a")).to.deep.equal(held);
    const scope = { namespace: "one", lease: "b" };
    const again = () => site.content.ingests.openWriter(scope, { ref: "r", expected: HELLO_DIGEST });
    expect(await refusal(again)).to.match(/^already_exists: /);
    expect(leases.listResources("one", "b")).to.deep.equal(held);
    const gone = () => site.content.ingests.openWriter({ namespace: "one", lease: "c" }, { ref: "s" });
    expect(await refusal(gone)).to.equal('not_found: lease "c": not found');
  });
});

describe("ContentStore: namespaces", () => {
  it("share the bytes of who names their digest, and see nothing else", async () => {
    using site = new Site();
    await site.put(ONE, HELLO);
    expect(site.content.blobs.find("two", HELLO_DIGEST)).to.equal(undefined);
    await using writer = await site.content.ingests.openWriter(TWO, { ref: "r", expected: HELLO_DIGEST, total: 11 });
    expect([writer.offset, writer.digest()]).to.deep.equal([11, HELLO_DIGEST]);
    expect(await writer.commit({ size: 11 })).to.equal(HELLO_DIGEST);
    site.content.blobs.delete("one", HELLO_DIGEST);
    expect(await read(site, "two", HELLO_DIGEST)).to.equal("hello, blob");
    site.content.blobs.delete("two", HELLO_DIGEST);
    expect(site.files()).to.deep.equal([]);
  });

  it("keep the file of a blob that is about to be shared", async () => {
    using site = new Site();
    await site.put(ONE, HELLO);
    await using writer = await site.content.ingests.openWriter(TWO, { ref: "r", expected: HELLO_DIGEST });
    site.content.blobs.delete("one", HELLO_DIGEST);
    expect(await writer.commit()).to.equal(HELLO_DIGEST);
    expect(await read(site, "two", HELLO_DIGEST)).to.equal("hello, blob");
  });

  it("verify bytes that are written all the same", async () => {
    using site = new Site();
    await site.put(ONE, HELLO);
    const open = () => site.content.ingests.openWriter(TWO, { ref: "r", expected: HELLO_DIGEST });
    {
      await using writer = await open();
      await writer.write(new TextEncoder().encode("!"));
      expect(writer.offset).to.equal(12);
      expect(await refusal(() => writer.commit())).to.match(/^failed_precondition: unexpected commit digest/);
    }
    await using writer = await open();
    await writer.truncate(0);
    await writer.write(HELLO);
    expect(await writer.commit()).to.equal(HELLO_DIGEST);
    const wrong = () =>
      site.content.ingests.openWriter({ namespace: "x" }, { ref: "r", expected: HELLO_DIGEST, total: 3 });
    expect(await refusal(wrong)).to.match(/^invalid_argument: .* it has 11 bytes, not 3$/);
  });

  it("bring their own bytes when they are isolated, unless the owner shares", async () => {
    using site = new Site("isolated");
    await site.put(ONE, HELLO);
    const open = () => site.content.ingests.openWriter(TWO, { ref: "r", expected: HELLO_DIGEST });
    const closed = await open();
    expect(closed.offset).to.equal(0);
    await closed.close();
    site.stores.namespaces.update({ name: "one", labels: labels({ "containerd.io/namespace.shareable": "true" }) }, []);
    const shared = await open();
    expect(shared.offset).to.equal(11);
    await shared.close();
  });
});

describe("BlobStore", () => {
  it("reads ranges", async () => {
    using site = new Site();
    await site.put(ONE, HELLO);
    for (const [range, text] of [
      [{ offset: 7 }, "blob"],
      [{ offset: 0, length: 5 }, "hello"],
      [{ offset: 7, length: 100 }, "blob"],
      [{ offset: 11 }, ""],
      [{ chunkBytes: 2 }, "hello, blob"],
      [{ length: -1 }, "hello, blob"],
    ] as const) {
      expect(await read(site, "one", HELLO_DIGEST, range)).to.equal(text);
    }
    expect(await refusal(() => read(site, "one", HELLO_DIGEST, { offset: 12 }))).to.equal(
      `out_of_range: cannot read content ${HELLO_DIGEST}: offset 12 is outside of its 11 bytes`,
    );
  });

  it("reads on while the blob is deleted", async () => {
    using site = new Site();
    await site.put(ONE, HELLO);
    await using reader = await site.content.blobs.openReader("one", HELLO_DIGEST);
    site.content.blobs.delete("one", HELLO_DIGEST);
    expect(Buffer.from(await reader.bytes(100)).toString()).to.equal("hello, blob");
    expect(await refusal(() => reader.bytes(5))).to.match(/^resource_exhausted: /);
  });

  it("says what is wrong with a file", async () => {
    using site = new Site();
    await site.put(ONE, HELLO);
    const file = site.directory.at(blobFile(HELLO_DIGEST));
    truncateSync(file, 5);
    expect(await refusal(() => read(site, "one", HELLO_DIGEST))).to.equal(
      `internal: cannot read content ${HELLO_DIGEST}: its file ends at byte 5 of 11`,
    );
    rmSync(file);
    expect(await refusal(() => read(site, "one", HELLO_DIGEST))).to.equal(
      `not_found: file of content ${HELLO_DIGEST}: not found`,
    );
  });

  it("changes labels, and lists by filter", async () => {
    using site = new Site();
    await site.put(ONE, HELLO);
    const { blobs } = site.content;
    const update = (entries: Record<string, string>, ...mask: string[]) =>
      blobs.update("one", { digest: HELLO_DIGEST, labels: labels(entries) }, mask).labels;
    expect(update({ a: "1", b: "2" })).to.deep.equal(labels({ a: "1", b: "2" }));
    expect(update({ "c.d/e": "3", x: "9" }, "labels.c.d/e")).to.deep.equal(labels({ a: "1", b: "2", "c.d/e": "3" }));
    expect(update({ a: "" }, "labels.a")).to.deep.equal(labels({ b: "2", "c.d/e": "3" }));
    expect([...blobs.walk("one", ['labels."c.d/e"==3', "digest==x"])]).to.have.length(1);
    expect([...blobs.walk("one", ["labels.a"])]).to.have.length(0);
    expect(await refusal(() => update({}, "size"))).to.match(/^invalid_argument: cannot update field "size"/);
    expect(await refusal(() => blobs.info("two", HELLO_DIGEST))).to.equal(
      `not_found: content ${HELLO_DIGEST}: not found`,
    );
    expect(await refusal(() => blobs.delete("two", HELLO_DIGEST))).to.match(/^not_found: /);
  });
});

describe("ContentStore", () => {
  it("aborts an ingest", async () => {
    using site = new Site();
    const writer = await site.content.ingests.openWriter(ONE, { ref: "r" });
    await writer.write(HELLO);
    await writer.close();
    site.content.ingests.abort("one", "r");
    expect(site.files()).to.deep.equal([]);
    expect(await refusal(() => site.content.ingests.abort("one", "r"))).to.equal("not_found: ref r: not found");
    expect(await refusal(() => site.content.ingests.status("one", "r"))).to.equal("not_found: ref r: not found");
  });

  it("removes what a crash left, and nothing else", async () => {
    using site = new Site();
    await site.put(ONE, HELLO);
    const writer = await site.content.ingests.openWriter(ONE, { ref: "r" });
    await writer.write(HELLO);
    await writer.close();
    writeFileSync(site.directory.at("blobs/sha256", "00".repeat(32)), "renamed, not recorded");
    writeFileSync(site.directory.at("ingests/99"), "aborted, not removed");
    site.reopen();
    expect(site.files()).to.deep.equal([blobFile(HELLO_DIGEST), "ingests/2"]);
    expect(site.content.ingests.status("one", "r").offset).to.equal(11);
  });

  it("finds what does not agree with the disk", async () => {
    using site = new Site();
    const blobs = await Promise.all(
      ["a", "b", "c", "d"].map((each) => site.put(ONE, new TextEncoder().encode(each), each)),
    );
    const [, missing = "", short = "", rotten = ""] = blobs;
    rmSync(site.directory.at(blobFile(missing)));
    rmSync(site.directory.at(blobFile(rotten)));
    writeFileSync(site.directory.at(blobFile(rotten)), "x");
    truncateSync(site.directory.at(blobFile(short)), 0);
    const faults = async (readAll: boolean) => {
      const found: string[] = [];
      for await (const { what, why } of site.content.check({ readAll })) found.push(`${what}: ${why}`);
      return found.sort();
    };
    const quick = [`content ${missing}: its file is missing`, `content ${short}: its file has 0 bytes, recorded are 1`];
    expect(await faults(false)).to.deep.equal(quick.sort());
    const deep = `content ${rotten}: the digest of its bytes is ${digestOf("x")}`;
    expect(await faults(true)).to.deep.equal([...quick, deep].sort());
  });

  it("takes the same blob from many writers at once", async () => {
    using site = new Site();
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => site.put(ONE, HELLO, `ref${n}`)));
    expect(results.filter((each) => each.status === "fulfilled")).to.have.length(1);
    expect(site.files()).to.deep.equal([blobFile(HELLO_DIGEST)]);
    expect(await read(site, "one", HELLO_DIGEST)).to.equal("hello, blob");
  });
});
