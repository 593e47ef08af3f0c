import { expect } from "chai";
import { ContainerError, explain } from "../../errors.ts";
import { digestOf } from "../../image/digest.ts";
import { platformOfMachine } from "../../image/platforms.ts";
import { openKernel } from "../../linux/kernel.ts";
import { NO_CREDENTIALS } from "../../registry/credentials.ts";
import { ownHost } from "../../registry/hosts.ts";
import { tarEntry, tarOf } from "../../testing/layers.ts";
import { FakeRegistry } from "../../testing/registry.ts";
import { waitUntil } from "../../testing/runtime-poll.ts";
import { requireRoot } from "../../testing/runtime-site.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { systemClock } from "../clock.ts";
import { Store } from "../store.ts";
import { TransferLeases } from "./leases.ts";
import { pull } from "./operations.ts";

const NS = "default";
const LAYERS = ["first", "second", "third"].map((name) => tarOf([tarEntry(name), name]));
const [FIRST, SECOND, THIRD] = LAYERS.map((layer) => digestOf(layer));
const { architecture } = platformOfMachine(process.arch);

/** The class and the whole text of the error that some work ends in. */
async function failureOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    return `${error instanceof ContainerError ? error.code : "other"}: ${explain(error)}`;
  }
}

describe("pull(), with layers that are unpacked as they come", () => {
  let folder: TemporaryDirectory;
  let store: Store;
  let registry: FakeRegistry;
  let events: string[];

  before(function () {
    requireRoot(this);
  });
  beforeEach(async () => {
    folder = new TemporaryDirectory();
    registry = await FakeRegistry.start();
    store = Store.open(openKernel(), { root: folder.at("root"), warn: () => undefined });
    events = [];
  });
  afterEach(async () => {
    await store.close();
    await registry[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const run = (signal: AbortSignal = new AbortController().signal) => {
    const options = { hosts: (each: string) => [ownHost(each)], credentials: NO_CREDENTIALS, limits: { attempts: 1 } };
    const unpacks = [{ platform: undefined, snapshotter: "native" }];
    return pull(
      {
        store,
        leases: new TransferLeases(store.leases, systemClock()),
        platform: platformOfMachine(process.arch),
        save: (namespace, image) => store.images.create(namespace, image),
      },
      { reference: `${registry.host}/a:1`, options },
      {
        ...{ name: "a", labels: new Map(), platforms: [], manifestLimit: 0, references: [], unpacks },
      },
      {
        scope: { namespace: NS },
        report: ({ event, name }) => events.push(`${event} ${name}`),
        signal,
      },
    );
  };
  const kinds = () => [...store.snapshotter("native").walk(NS, [])].map(({ kind }) => kind);
  /** Lets go of the request for a blob when so many layers are unpacked. */
  const hold = (digest: string | undefined, unpacked: number, answer?: "refuse") => {
    let isHeld = false;
    registry.fault = (request, response, path) => {
      if (isHeld || !path.endsWith(String(digest))) return false;
      isHeld = true;
      waitUntil("layers", () => kinds().filter((kind) => kind === "committed").length === unpacked).then(
        () => {
          if (answer === "refuse") response.writeHead(404).end();
          else response.end(registry.blobs.get(path.slice(path.lastIndexOf("/") + 1)));
        },
        () => response.destroy(),
      );
      return request.method === "GET";
    };
  };

  it("unpacks what is there while the next layer is on its way", async () => {
    registry.addImage("a", "1", LAYERS, architecture);
    hold(THIRD, 2);
    await run();
    expect(kinds()).to.deep.equal(["committed", "committed", "committed"]);
    const seen = events.filter((event) => /^(?:extracted|complete) layer/.test(event));
    expect(seen.indexOf(`extracted layer-${SECOND}`)).to.be.lessThan(seen.indexOf(`complete layer-${THIRD}`));
    expect(store.images.list(NS, [])).to.have.length(1);
  });

  it("keeps the order of the layers when the last one comes first", async () => {
    registry.addImage("a", "1", LAYERS, architecture);
    registry.fault = (_request, response, path) => {
      if (!path.endsWith(String(FIRST))) return false;
      waitUntil("other layers", () => events.filter((event) => event.startsWith("complete layer")).length === 2).then(
        () => response.end(registry.blobs.get(String(FIRST))),
        () => response.destroy(),
      );
      return true;
    };
    await run();
    const seen = events.filter((event) => event.startsWith("extracted"));
    expect(seen).to.deep.equal([FIRST, SECOND, THIRD].map((digest) => `extracted layer-${digest}`));
  });

  it("ends without a name when a layer cannot be had, and goes on from there the next time", async () => {
    registry.addImage("a", "1", LAYERS, architecture);
    hold(THIRD, 2, "refuse");
    expect(await failureOf(run())).to.match(/^not_found: cannot pull .*status 404$/);
    expect(kinds()).to.deep.equal(["committed", "committed"]);
    expect(store.images.list(NS, [])).to.deep.equal([]);
    store.collector.collect();
    events = [];
    await run();
    expect(events.filter((event) => event.startsWith("extracted"))).to.deep.equal([`extracted layer-${THIRD}`]);
    expect(store.leases.list(NS, [])).to.deep.equal([]);
  });

  it("ends the downloads when a layer is not what the config says", async () => {
    const config = { architecture, os: "linux", rootfs: { type: "layers", diff_ids: [FIRST, FIRST, THIRD] } };
    const type = "application/vnd.oci.image";
    registry.addManifest("a", "1", {
      ...{ schemaVersion: 2, mediaType: `${type}.manifest.v1+json` },
      config: { mediaType: `${type}.config.v1+json`, ...registry.addBlob(Buffer.from(JSON.stringify(config))) },
      layers: LAYERS.map((layer) => ({ mediaType: `${type}.layer.v1.tar`, ...registry.addBlob(layer) })),
    });
    let isClosed = false;
    registry.fault = (_request, response, path) => {
      if (!path.endsWith(String(THIRD))) return false;
      // It would never come.
      response.on("close", () => {
        isClosed = true;
      });
      return true;
    };
    expect(await failureOf(run())).to.match(/^invalid_argument: .*its diff id is .*, the config says/);
    await waitUntil("end of the request", () => isClosed);
    expect(kinds()).to.deep.equal(["committed"]);
    expect(store.images.list(NS, [])).to.deep.equal([]);
  });

  it("leaves no snapshot that is half unpacked when it is cancelled", async () => {
    registry.addImage("a", "1", LAYERS, architecture);
    const controller = new AbortController();
    registry.fault = (_request, _response, path) => {
      if (!path.endsWith(String(SECOND))) return false;
      waitUntil("first layer", () => kinds().length === 1 && kinds()[0] === "committed").then(
        () => controller.abort(new ContainerError("aborted", "enough")),
        () => undefined,
      );
      return true;
    };
    expect(await failureOf(run(controller.signal))).to.match(/^aborted: cannot pull/);
    expect(kinds()).to.deep.equal(["committed"]);
    expect(store.images.list(NS, [])).to.deep.equal([]);
  });
});
