import { expect } from "chai";
import { ContainerError, explain } from "../errors.ts";
import { digestOf } from "../image/digest.ts";
import { failureOf } from "../testing/failure.ts";
import type { BlobWriter, ContentTarget } from "./content.ts";
import { NO_CREDENTIALS } from "./credentials.ts";
import { storeBlob } from "./fetch-blob.ts";
import { Repository } from "./repository.ts";

const BYTES = new TextEncoder().encode("a document");
const DESCRIPTOR = { mediaType: "text/plain", digest: digestOf(BYTES), size: BYTES.length, annotations: new Map() };

describe("storeBlob()", () => {
  /** Stores BYTES in a store that refuses its writer so many times. Gives what was written. */
  async function store(refusal: ContainerError, times: number): Promise<string> {
    const written: Uint8Array[] = [];
    let asked = 0;
    const writer: BlobWriter = {
      offset: 0,
      write: async (bytes) => void written.push(bytes),
      truncate: () => Promise.resolve(),
      commit: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const target: ContentTarget = {
      openWriter: () => {
        asked += 1;
        return asked <= times ? Promise.reject(refusal) : Promise.resolve(writer);
      },
      read: () => Promise.resolve(new Uint8Array()),
      labelsOf: () => Promise.resolve(new Map()),
      label: () => Promise.resolve(),
    };
    const repository = new Repository("127.0.0.1:1/a:1", { hosts: () => [], credentials: NO_CREDENTIALS });
    await storeBlob({ repository, target, signal: new AbortController().signal }, DESCRIPTOR, BYTES);
    return Buffer.concat(written).toString();
  }

  it("waits while another writer has the blob, in the words of either daemon", async () => {
    for (const message of [
      "ref manifest-x locked: another writer has it",
      "ref manifest-x locked for 1s (since now)",
    ]) {
      expect(await store(new ContainerError("unavailable", message), 2)).to.equal("a document");
    }
  });

  it("ends when the store cannot be reached any more", async () => {
    const gone = new ContainerError("unavailable", "the connection was closed");
    expect(explain(await failureOf(store(gone, Number.POSITIVE_INFINITY)))).to.equal("the connection was closed");
  });

  it("takes a blob that is there as it is", async () => {
    expect(await store(new ContainerError("already_exists", "it is there"), 1)).to.equal("");
  });
});
