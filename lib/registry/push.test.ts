import { expect } from "chai";
import { ContentStore } from "../daemon/content/content-store.ts";
import { storeContent } from "../daemon/transfer/store-content.ts";
import { explain } from "../errors.ts";
import type { Descriptor } from "../image/descriptor.ts";
import { digestOf } from "../image/digest.ts";
import { parsePlatform } from "../image/platforms.ts";
import { memoryStores } from "../testing/metadata.ts";
import { FakeRegistry } from "../testing/registry.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { NO_CREDENTIALS } from "./credentials.ts";
import { ownHost } from "./hosts.ts";
import type { RegistryOptions } from "./options.ts";
import type { Progress } from "./progress.ts";
import { pullImage } from "./pull.ts";
import { type PushRequest, pushImage } from "./push.ts";

const LIMITS = {
  stallMs: 20_000,
  attempts: 4,
  firstDelayMs: 1,
  maxDelayMs: 4,
  maxRetryAfterMs: 1000,
  chunkBytes: 1000,
};
const INDEX = "application/vnd.oci.image.index.v1+json";
const bytes = (size: number, seed: number) => Uint8Array.from({ length: size }, (_, index) => (index * 7 + seed) % 251);

describe("pushImage()", () => {
  let folder: TemporaryDirectory;
  let content: ContentStore;
  /** Where images come from, and where they go. */
  let from: FakeRegistry;
  let to: FakeRegistry;
  let progress: Progress[];

  beforeEach(async () => {
    folder = new TemporaryDirectory();
    content = new ContentStore({ ...memoryStores(), root: folder.at("content") });
    [from, to] = await Promise.all([FakeRegistry.start(), FakeRegistry.start()]);
    progress = [];
  });
  afterEach(async () => {
    await from[Symbol.asyncDispose]();
    await to[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const options = (): RegistryOptions => ({
    ...{ hosts: (each) => [ownHost(each)], credentials: NO_CREDENTIALS, limits: LIMITS },
  });
  const store = () => storeContent(content, { namespace: "n" });
  const request = () => ({ report: (each: Progress) => progress.push(each), signal: new AbortController().signal });
  const pull = async (
    registry: FakeRegistry,
    name: string,
    platforms?: PushRequest["platforms"],
  ): Promise<Descriptor> => {
    const wanted = {
      name: `${registry.host}/${name}`,
      ...request(),
      ...(platforms === undefined ? {} : { platforms }),
    };
    return (await pullImage(options(), store(), wanted)).target;
  };
  const push = (name: string, target: Descriptor, more: Partial<PushRequest> = {}) =>
    pushImage(options(), store(), { name: `${to.host}/${name}`, target, ...request(), ...more });
  const failure = async (work: Promise<unknown>): Promise<string> => {
    try {
      await work;
    } catch (error) {
      return explain(error).replaceAll(to.host, "HOST");
    }
    return "none";
  };

  it("sends all of an image, the name last", async () => {
    from.addImage("a", "1", [bytes(3000, 1), bytes(10, 2), new Uint8Array()]);
    const target = await pull(from, "a:1");
    await push("b/c:2", target);
    expect([...to.blobs.keys()].toSorted()).to.deep.equal([...from.blobs.keys()].toSorted());
    expect(to.manifests.get(`b/c:2`)).to.deep.equal(from.manifests.get("a:1"));
    expect(to.log.at(-1)).to.equal("PUT /v2/b/c/manifests/2");
    expect(progress.at(-1)?.event).to.match(/^Completed push to /);
  });

  it("sends nothing that is there", async () => {
    from.addImage("a", "1", [bytes(3000, 1), bytes(10, 2)]);
    const target = await pull(from, "a:1");
    await push("a:1", target);
    to.log.length = 0;
    await push("a:1", target);
    expect(to.count(/^(?:POST|PUT|PATCH)/)).to.equal(0);
    await push("a:2", target);
    expect(to.log.filter((line) => /^(?:POST|PUT|PATCH)/.test(line))).to.deep.equal(["PUT /v2/a/manifests/2"]);
  });

  it("takes blobs from another repository of the same registry", async () => {
    to.addImage("a", "1", [bytes(3000, 1)]);
    const target = await pull(to, "a:1");
    to.fault = (incoming, response, path) => {
      if (incoming.method !== "HEAD" || !path.startsWith("/v2/b/blobs/")) return false;
      response.writeHead(404).end();
      return true;
    };
    to.log.length = 0;
    await push("b:1", target);
    expect(to.count(/^POST \/v2\/b\/blobs\/uploads\//)).to.equal(2);
    expect(to.count(/^(?:PATCH|PUT .*blobs)/)).to.equal(0);
  });

  it("sends it itself when the registry does not take it from there", async () => {
    from.addImage("a", "1", [bytes(3000, 1)]);
    const target = await pull(from, "a:1");
    for (const { digest } of content.blobs.walk("n", [])) {
      await store().label(digest, new Map([["containerd.io/distribution.source.127.0.0.1", "elsewhere"]]));
    }
    to.fault = (incoming, response) => {
      if (incoming.url?.includes("mount=") !== true) return false;
      response.writeHead(403).end();
      return true;
    };
    await push("b:1", target);
    expect(to.blobs.size).to.equal(2);
  });

  it("goes on in parts from where the registry is", async () => {
    const layer = bytes(5500, 1);
    from.addImage("a", "1", [layer]);
    const target = await pull(from, "a:1");
    let broken = 0;
    to.fault = (incoming, response, path) => {
      // The first request breaks off with nothing taken, and so does one of the parts.
      const isData = incoming.method === "PUT" || incoming.method === "PATCH";
      if (!isData || !path.includes("uploads") || Number(incoming.headers["content-length"]) < 1000) return false;
      broken += 1;
      if (broken !== 1 && broken !== 3) return false;
      incoming.resume();
      response.destroy();
      return true;
    };
    await push("a:1", target);
    expect(Buffer.compare(to.blobs.get(digestOf(layer)) ?? new Uint8Array(), layer)).to.equal(0);
    expect(to.count(/^PATCH/)).to.be.greaterThan(4);
  });

  it("gives up after some attempts, without the secrets of an address", async () => {
    from.addImage("a", "1", [bytes(10, 1)]);
    const target = await pull(from, "a:1");
    to.fault = (incoming, response, path) => {
      if (incoming.method === "HEAD" || incoming.method === "POST" || !path.includes("uploads")) return false;
      incoming.resume();
      response.writeHead(500).end();
      return true;
    };
    const told = await failure(push("a:1", target));
    expect(told).to.match(
      /^cannot push HOST\/a:1: (?:GET|PUT) http:\/\/HOST\/v2\/a\/blobs\/uploads\/[0-9a-f-]+: status 500$/,
    );
    expect(to.manifests.size).to.equal(0);
  });

  for (const [location, why] of [
    ["ftp://x/", /the answer to an upload has no address to go on at$/],
    ["http://", /the answer to an upload has no address to go on at$/],
  ] as const) {
    it(`does not go on at ${location}`, async () => {
      from.addImage("a", "1", [bytes(10, 1)]);
      const target = await pull(from, "a:1");
      to.fault = (incoming, response) => {
        if (incoming.method !== "POST") return false;
        response.writeHead(202, { location }).end();
        return true;
      };
      expect(await failure(push("a:1", target))).to.match(why);
    });
  }

  it("believes no other digest", async () => {
    from.addImage("a", "1", [bytes(10, 1)]);
    const target = await pull(from, "a:1");
    to.fault = (incoming, response, path) => {
      if (incoming.method !== "PUT" || !path.includes("manifests")) return false;
      incoming.resume();
      response.writeHead(201, { "docker-content-digest": digestOf("x") }).end();
      return true;
    };
    expect(await failure(push("a:1", target))).to.match(/the registry has stored sha256:\w+ as sha256:\w+$/);
  });

  it("sends an index with all its manifests, or one of them", async () => {
    const manifests = ["amd64", "arm64"].map((architecture, at) => ({
      ...from.addImage("a", architecture, [bytes(50, at)], architecture),
      platform: { os: "linux", architecture },
    }));
    from.addManifest("a", "all", { mediaType: INDEX, schemaVersion: 2, manifests });
    const partly = await pull(from, "a:all", [parsePlatform("arm64")]);
    expect(await failure(push("a:all", partly))).to.match(
      /sha256:\w+ of the image is not here: name the platform to push, or pull the image with all of its platforms$/,
    );
    await push("a:arm", partly, { platforms: [parsePlatform("arm64")] });
    expect(digestOf(to.manifests.get("a:arm")?.bytes ?? "")).to.equal(manifests[1]?.digest);
    await push("a:all", await pull(from, "a:all"));
    expect(digestOf(to.manifests.get("a:all")?.bytes ?? "")).to.equal(partly.digest);
    expect(to.blobs.size).to.equal(4);
    expect(await failure(push("a:x", partly, { platforms: [parsePlatform("s390x")] }))).to.match(
      /no manifest for linux\/s390x/,
    );
  });

  it("leaves out what may not be distributed", async () => {
    const layer = from.addBlob(bytes(10, 1));
    const mediaType = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    const config = { mediaType: "application/vnd.oci.image.config.v1+json", ...from.addBlob(Buffer.from("{}")) };
    const type = "application/vnd.oci.image.manifest.v1+json";
    from.addManifest("a", "1", { mediaType: type, schemaVersion: 2, config, layers: [{ mediaType, ...layer }] });
    await push("a:1", await pull(from, "a:1"));
    expect([...to.blobs.keys()]).to.deep.equal([config.digest]);
  });
});
