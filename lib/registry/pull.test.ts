import { expect } from "chai";
import { ContentStore } from "../daemon/content/content-store.ts";
import { storeContent } from "../daemon/transfer/store-content.ts";
import { explain } from "../errors.ts";
import { digestOf } from "../image/digest.ts";
import { parsePlatform } from "../image/platforms.ts";
import { memoryStores } from "../testing/metadata.ts";
import { FakeRegistry, type Fault } from "../testing/registry.ts";
import { waitUntil } from "../testing/runtime-poll.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { NO_CREDENTIALS } from "./credentials.ts";
import { ownHost, type RegistryHost } from "./hosts.ts";
import type { RegistryOptions } from "./options.ts";
import type { Progress } from "./progress.ts";
import { type PullRequest, pullImage } from "./pull.ts";

const LIMITS = { stallMs: 20_000, attempts: 4, firstDelayMs: 1, maxDelayMs: 4, maxRetryAfterMs: 2000, parallel: 3 };
const INDEX = "application/vnd.oci.image.index.v1+json";
const bytes = (size: number, seed: number) => Uint8Array.from({ length: size }, (_, index) => (index * 7 + seed) % 251);

describe("pullImage()", () => {
  let folder: TemporaryDirectory;
  let content: ContentStore;
  let registry: FakeRegistry;
  let progress: Progress[];

  beforeEach(async () => {
    folder = new TemporaryDirectory();
    content = new ContentStore({ ...memoryStores(), root: folder.at("content") });
    registry = await FakeRegistry.start();
    progress = [];
  });
  afterEach(async () => {
    await registry[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const pull = (name: string, request: Partial<PullRequest> = {}, options: Partial<RegistryOptions> = {}) =>
    pullImage(
      { hosts: (each) => [ownHost(each)], credentials: NO_CREDENTIALS, limits: LIMITS, ...options },
      storeContent(content, { namespace: "n" }),
      {
        name: `${registry.host}/${name}`,
        report: (each) => progress.push(each),
        signal: new AbortController().signal,
        ...request,
      },
    );
  const failure = async (work: Promise<unknown>): Promise<string> => {
    try {
      await work;
    } catch (error) {
      return explain(error).replaceAll(registry.host, "HOST");
    }
    return "none";
  };
  const stored = () => [...content.blobs.walk("n", [])].map(({ digest }) => digest);
  /** How much of a layer the store has that is not whole. */
  const offsetOf = (layer: Uint8Array) =>
    content.ingests.list("n", []).find(({ ref }) => ref === `layer-${digestOf(layer)}`)?.offset ?? 0;
  /** Lets the first `count` requests that match be faulty. */
  const first = (count: number, pattern: RegExp, fault: Fault): Fault => {
    let left = count;
    return (request, response, path) => {
      if (left === 0 || !pattern.test(`${request.method} ${path}`)) return false;
      left -= 1;
      return fault(request, response, path);
    };
  };

  it("brings documents, config and layers, and labels them", async () => {
    const target = registry.addImage("a/b", "1", [bytes(300_000, 1), bytes(10, 2), bytes(300_000, 1)]);
    const pulled = await pull("a/b:1");
    expect(pulled.target).to.include(target);
    expect(pulled.name).to.equal(`${registry.host}/a/b:1`);
    expect(stored().toSorted()).to.deep.equal([...registry.blobs.keys(), target.digest].toSorted());
    const labels = Object.fromEntries(content.blobs.info("n", target.digest).labels);
    expect(labels).to.include({ "containerd.io/distribution.source.127.0.0.1": "a/b" });
    expect(Object.keys(labels).filter((key) => key.includes("gc.ref.content"))).to.have.length(4);
    const events = new Set(progress.map(({ event }) => event));
    for (const event of ["waiting", "complete", "fetching image content"]) expect(events).to.include(event);
  });

  it("asks for nothing twice", async () => {
    registry.addImage("a", "1", [bytes(100, 1)]);
    await pull("a:1");
    registry.log.length = 0;
    await pull("a:1");
    expect(registry.log).to.deep.equal(["HEAD /v2/a/manifests/1"]);
    expect(progress.filter(({ event }) => event === "already exists")).to.have.length(3);
  });

  it("takes what fits a platform of an index, and says what there is when nothing does", async () => {
    const manifests = ["amd64", "arm64", "arm"].map((architecture, at) => ({
      ...registry.addImage("a", architecture, [bytes(50, at)], architecture),
      platform: { os: "linux", architecture, ...(architecture === "arm" ? { variant: "v7" } : {}) },
    }));
    registry.addManifest("a", "all", { mediaType: INDEX, ...{ schemaVersion: 2, manifests } });
    await pull("a:all", { platforms: [parsePlatform("linux/arm64")], manifestLimit: 1 });
    expect(stored()).to.have.length(4).and.include(manifests[1]?.digest);
    await pull("a:all", { platforms: [parsePlatform("linux/arm/v8")] });
    expect(stored()).to.have.length(7).and.include(manifests[2]?.digest);
    expect(await failure(pull("a:all", { platforms: [parsePlatform("s390x")] }))).to.match(
      /no image for linux\/s390x: there are linux\/amd64, linux\/arm64, linux\/arm\/v7$/,
    );
    await pull("a:all");
    expect(stored()).to.have.length(10);
  });

  it("resumes a download that broke off, and asks for the rest only", async () => {
    const layer = bytes(400_000, 3);
    registry.addImage("a", "1", [layer]);
    registry.fault = first(2, /GET .*blobs/, (request, response) => {
      const [, start = "0"] = /bytes=(\d+)-/.exec(request.headers.range ?? "") ?? [];
      if (registry.blobs.size === 0 || request.url?.includes(digestOf(layer)) !== true) return false;
      const from = Number(start);
      const range = from === 0 ? {} : { "content-range": `bytes ${from}-${layer.length - 1}/${layer.length}` };
      response.writeHead(from === 0 ? 200 : 206, { "content-length": layer.length - from, ...range });
      response.write(layer.subarray(from, from + 100_000));
      // What the client has not read when the connection ends is lost to it.
      void waitUntil("bytes of the layer", () => offsetOf(layer) > from).finally(() => response.destroy());
      return true;
    });
    await pull("a:1");
    expect(stored()).to.have.length(3);
    expect(registry.count(/bytes=[1-9]\d*-/)).to.be.greaterThan(0);
  });

  for (const [what, answer] of [
    ["ignores the range", (layer: Uint8Array) => ({ status: 200, headers: {}, body: layer })],
    [
      "gives another part",
      (layer: Uint8Array) => ({
        status: 206,
        headers: { "content-range": "bytes 0-9/20" },
        body: layer.subarray(0, 10),
      }),
    ],
    ["knows no such part", () => ({ status: 416, headers: {}, body: new Uint8Array() })],
  ] as const) {
    it(`begins again when the registry ${what}`, async () => {
      const layer = bytes(100_000, 4);
      registry.addImage("a", "1", [layer]);
      const ref = `layer-${digestOf(layer)}`;
      const writer = await content.ingests.openWriter({ namespace: "n" }, { ref });
      await writer.write(layer.subarray(0, 5000));
      await writer.close();
      registry.fault = first(1, /GET .*blobs/, (request, response) => {
        if (request.headers.range === undefined) return false;
        const { status, headers, body } = answer(layer);
        response.writeHead(status, { ...headers, "content-length": body.length }).end(body);
        return true;
      });
      await pull("a:1");
      expect(stored()).to.have.length(3);
    });
  }

  it("begins again when what was left of an earlier attempt is wrong", async () => {
    const layer = bytes(100_000, 4);
    registry.addImage("a", "1", [layer]);
    const writer = await content.ingests.openWriter({ namespace: "n" }, { ref: `layer-${digestOf(layer)}` });
    await writer.write(new Uint8Array(5000));
    await writer.close();
    await pull("a:1");
    expect(stored()).to.have.length(3);
  });

  for (const [what, status, headers] of [
    ["429 with Retry-After", 429, { "retry-after": "0" }],
    ["500", 500, {}],
    ["503", 503, {}],
  ] as const) {
    it(`tries again after ${what}`, async () => {
      registry.addImage("a", "1", [bytes(100, 1)]);
      registry.fault = first(3, /./, (_request, response) => {
        response.writeHead(status, headers).end("slow down");
        return true;
      });
      await pull("a:1");
      expect(stored()).to.have.length(3);
    });
  }

  it("gives up after some attempts, and says what, where and why", async () => {
    registry.addImage("a", "1", [bytes(100, 1)]);
    registry.fault = (_request, response, path) => {
      if (!path.includes("blobs")) return false;
      response.writeHead(503).end(JSON.stringify({ errors: [{ code: "UNAVAILABLE", message: "\u001b[31mon fire" }] }));
      return true;
    };
    expect(await failure(pull("a:1"))).to.match(
      /^cannot pull HOST\/a:1: GET http:\/\/HOST\/v2\/a\/blobs\/sha256:[0-9a-f]{64}: status 503: \\u001b\[31mon fire$/,
    );
  });

  it("does not wait for as long as a registry likes", async () => {
    registry.fault = (_request, response) => {
      response.writeHead(429, { "retry-after": "86400" }).end();
      return true;
    };
    expect(await failure(pull("a:1"))).to.match(/status 429/);
    expect(registry.log).to.have.length(1);
  });

  it("gives up a registry that stalls", async () => {
    const layer = bytes(100_000, 1);
    registry.addImage("a", "1", [layer]);
    registry.fault = (_request, response, path) => {
      if (!path.includes(digestOf(layer))) return false;
      response.writeHead(200, { "content-length": layer.length }).write(layer.subarray(0, 10));
      return true;
    };
    expect(await failure(pull("a:1", {}, { limits: { ...LIMITS, stallMs: 500, attempts: 1 } }))).to.match(
      /it stalled: no byte for 0.5 s$/,
    );
  });

  for (const [what, lie, why] of [
    ["other bytes", (layer: Uint8Array) => layer.map((each) => 255 - each), /its bytes have another digest/],
    [
      "more bytes",
      (layer: Uint8Array) => Buffer.concat([layer, layer]),
      /has 200000 bytes of it where 100000 are missing/,
    ],
    ["fewer bytes", (layer: Uint8Array) => layer.subarray(0, 5), /has 5 bytes of it where 100000 are missing/],
  ] as const) {
    it(`refuses ${what}, and keeps none of them`, async () => {
      const layer = bytes(100_000, 1);
      registry.addImage("a", "1", [layer]);
      const digest = digestOf(layer);
      registry.blobs.set(digest, lie(layer));
      expect(await failure(pull("a:1"))).to.match(why);
      expect(stored()).not.to.include(digest);
      registry.blobs.set(digest, layer);
      await pull("a:1");
      expect(stored()).to.include(digest);
    });
  }

  it("takes no more than it was promised of a body without a length", async () => {
    const layer = bytes(1000, 1);
    registry.addImage("a", "1", [layer]);
    registry.fault = (_request, response, path) => {
      if (!path.includes(digestOf(layer))) return false;
      response.writeHead(200, { "transfer-encoding": "chunked" });
      for (let n = 0; n < 1000; n++) response.write(layer);
      response.end();
      return true;
    };
    expect(await failure(pull("a:1"))).to.match(/there are more than its 1000 bytes$/);
  });

  for (const [what, document, why] of [
    ["HTML", { mediaType: "text/html" }, /is no image: the registry says that it is "text\/html"/],
    [
      "schema 1",
      { mediaType: "application/vnd.docker.distribution.manifest.v1+prettyjws" },
      /schema 1 manifest, which is no longer supported/,
    ],
    ["no type", { mediaType: "" }, /is no image/],
    ["two things at once", { mediaType: INDEX, schemaVersion: 2, manifests: [], layers: [] }, /must not have layers/],
    ["schema version 3", { mediaType: INDEX, schemaVersion: 3, manifests: [] }, /schemaVersion is not 2/],
  ] as const) {
    it(`refuses a manifest that is ${what}`, async () => {
      registry.addManifest("a", "1", document);
      expect(await failure(pull("a:1"))).to.match(why);
    });
  }

  it("refuses a manifest that says it is something else", async () => {
    const { digest } = registry.addManifest("a", "1", { mediaType: INDEX, ...{ schemaVersion: 2, manifests: [] } });
    for (const key of ["a:1", `a@${digest}`]) {
      const found = registry.manifests.get(key);
      if (found !== undefined)
        registry.manifests.set(key, { ...found, mediaType: "application/vnd.oci.image.manifest.v1+json" });
    }
    expect(await failure(pull("a:1"))).to.match(
      /it says that it is "application\/vnd.oci.image.index.v1\+json", but was/,
    );
  });

  it("refuses a manifest that is too large before it is read", async () => {
    registry.fault = (request, response) => {
      const type = { "content-type": INDEX, "docker-content-digest": `sha256:${"0".repeat(64)}` };
      response.writeHead(200, { ...type, "content-length": 100_000_000 });
      if (request.method === "HEAD") response.end();
      return true;
    };
    expect(await failure(pull("a:1"))).to.match(/it has 100000000 bytes, at most 8388608 are taken$/);
    expect(registry.log).to.deep.equal(["HEAD /v2/a/manifests/1"]);
  });

  it("ends endless redirects", async () => {
    registry.fault = (request, response) => {
      response.writeHead(307, { location: `${request.url}x` }).end();
      return true;
    };
    expect(await failure(pull("a:1"))).to.match(/there are more than 5 redirects$/);
  });

  it("follows a redirect to another host without telling it secrets", async () => {
    await using other = await FakeRegistry.start();
    const layer = bytes(1000, 1);
    registry.addImage("a", "1", [layer]);
    const digest = digestOf(layer);
    other.addBlob(layer);
    registry.fault = (_request, response, path) => {
      if (!path.includes(digest)) return false;
      const location = `http://user:pw@${other.host}/v2/x/blobs/${digest}?signature=secret`;
      response.writeHead(307, { location }).end();
      return true;
    };
    const host: RegistryHost = { ...ownHost(registry.host), headers: { "x-secret": "1" } };
    await pull("a:1", {}, { hosts: () => [host], headers: { cookie: "2" } });
    expect(registry.headers[0]).to.include({ "x-secret": "1", cookie: "2" });
    expect(other.headers).to.have.length(1);
    expect(other.headers[0]).not.to.have.any.keys("x-secret", "cookie", "authorization");
    other.blobs.clear();
    content.blobs.delete("n", digest);
    const told = (await failure(pull("a:1"))).replaceAll(other.host, "OTHER");
    expect(told).to.match(/GET http:\/\/OTHER\/v2\/x\/blobs\/sha256:[0-9a-f]{64}: status 404: blob unknown/);
    expect(told).not.to.match(/secret|pw/);
  });

  it("goes to the next host when a mirror has it not, is gone, or lies", async () => {
    await using mirror = await FakeRegistry.start();
    const layer = bytes(1000, 1);
    registry.addImage("a", "1", [layer]);
    mirror.addImage("a", "1", [layer]);
    mirror.blobs.set(digestOf(layer), bytes(1000, 2));
    const gone = ownHost("127.0.0.1:1");
    const mirrorHost = { ...ownHost(mirror.host), capabilities: new Set(["pull"] as const) };
    await pull("a:1", {}, { hosts: (each) => [gone, mirrorHost, ownHost(each)] });
    expect(mirror.count(/manifests\/1/)).to.equal(0);
    expect(mirror.count(/blobs/)).to.be.greaterThan(0);
    expect(stored()).to.have.length(3);
  });

  it("says at once that nobody is there", async () => {
    const told = await failure(
      pull("a:1", {}, { hosts: () => [ownHost("127.0.0.1:1")], limits: { firstDelayMs: 60_000 } }),
    );
    expect(told).to.match(/HEAD http:\/\/127.0.0.1:1\/v2\/a\/manifests\/1: nobody answers there \(/);
  });

  it("ends when it is told to, and another goes on from there", async () => {
    const layer = bytes(300_000, 1);
    registry.addImage("a", "1", [layer]);
    const controller = new AbortController();
    registry.fault = (_request, response, path) => {
      if (!path.includes(digestOf(layer))) return false;
      response.writeHead(200, { "content-length": layer.length }).write(layer.subarray(0, 200_000));
      return true;
    };
    const report = ({ event, name }: Progress) => {
      if (event === "downloading" && name.startsWith("layer-")) controller.abort(new Error("enough"));
    };
    const limits = { ...LIMITS, stallMs: 60_000 };
    expect(await failure(pull("a:1", { signal: controller.signal, report }, { limits }))).to.equal("enough");
    registry.fault = () => false;
    await pull("a:1");
    expect(registry.count(/bytes=[1-9]/)).to.equal(1);
  });

  it("waits for somebody else who brings the same", async () => {
    registry.addImage("a", "1", [bytes(300_000, 1), bytes(300_000, 2)]);
    await Promise.all([pull("a:1"), pull("a:1"), pull("a:1")]);
    expect(registry.count(/GET .*blobs/)).to.equal(3);
  });

  for (const name of ["../../etc:1", "a//b", "UPPER", "a:b:c"]) {
    it(`refuses the name ${name}`, async () => {
      expect(await failure(pull(name))).to.match(/invalid image name/);
      expect(registry.log).to.deep.equal([]);
    });
  }
});
