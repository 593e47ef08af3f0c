import { expect } from "chai";
import { containerd } from "../../../proto/gen/daemon.js";
import { digestOf } from "../../image/digest.ts";
import { platformOfMachine } from "../../image/platforms.ts";
import { openKernel } from "../../linux/kernel.ts";
import { basicHeader } from "../../registry/credentials.ts";
import { GrpcServer } from "../../rpc/grpc/server.ts";
import { tarEntry, tarOf } from "../../testing/layers.ts";
import { listenerAt } from "../../testing/listener.ts";
import { refusal } from "../../testing/metadata.ts";
import { FakeRegistry } from "../../testing/registry.ts";
import { waitUntil } from "../../testing/runtime-poll.ts";
import { requireRoot } from "../../testing/runtime-site.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { imageStore, registryEnd, TransferClient, type TransferStream, typed } from "../../testing/transfer-client.ts";
import { systemClock } from "../clock.ts";
import { type Envelope, EventBus } from "../events/event-bus.ts";
import { streamingService } from "../services/streaming.ts";
import { transferService } from "../services/transfer.ts";
import { Store } from "../store.ts";
import { StreamRegistry } from "../streams/stream-registry.ts";
import { DEFAULT_REGISTRY_SETTINGS } from "./settings.ts";

const types = containerd.types.transfer;
const LAYERS = [tarOf([tarEntry("a"), "A".repeat(10_000)]), tarOf([tarEntry("b"), "B".repeat(200_000)])];
const NS = "default";

describe("Transfer", () => {
  let folder: TemporaryDirectory;
  let store: Store;
  let registry: FakeRegistry;
  let server: GrpcServer;
  let client: TransferClient;
  let told: Envelope[];

  before(function () {
    requireRoot(this);
  });
  beforeEach(async () => {
    folder = new TemporaryDirectory();
    registry = await FakeRegistry.start();
    const events = new EventBus(systemClock());
    told = [];
    events.listen((event) => told.push(event));
    store = Store.open(openKernel(), { root: folder.at("root"), warn: () => undefined });
    const streams = new StreamRegistry();
    // One blob after the other: a failure finds those before it complete.
    const missing = { hostsDirectory: folder.at("certs.d"), dockerConfig: folder.at("config.json"), parallel: 1 };
    const settings = { ...DEFAULT_REGISTRY_SETTINGS, ...missing };
    const parts = { store, events, streams, registry: settings, collectGarbage: () => undefined };
    server = new GrpcServer(listenerAt(folder.at("s")), [streamingService(streams), transferService(parts)]);
    client = new TransferClient(folder.at("s"));
  });
  afterEach(async () => {
    client[Symbol.dispose]();
    await server.close(100);
    await store.close();
    await registry[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const name = () => `${registry.host}/a/b:1`;
  const addImage = () => registry.addImage("a/b", "1", LAYERS, platformOfMachine(process.arch).architecture);
  const leases = () => store.leases.list(NS, []).length;
  const eventsOf = async (stream: TransferStream) =>
    (await stream.all()).map(({ typeUrl, value }) => {
      expect(typeUrl).to.equal("containerd.types.transfer.Progress");
      return types.Progress.decode(value);
    });
  const toStore = (fields = {}) => imageStore({ name: name(), unpacks: [{ snapshotter: "native" }], ...fields });

  it("pulls, unpacks, names and tells", async () => {
    const { digest } = addImage();
    const progress = await client.open("p");
    const extra = [{ name: "other:2" }, { name: "other", addDigest: true }];
    const seen = eventsOf(progress);
    await client.transfer(registryEnd(name()), toStore({ labels: { k: "v" }, extraReferences: extra }), {
      progress: "p",
    });
    const names = ["other:2", `other@${digest}`, name()];
    expect(
      store.images
        .list(NS, [])
        .map((image) => image.name)
        .toSorted(),
    ).to.deep.equal(names.toSorted());
    expect(Object.fromEntries(store.images.get(NS, name()).labels)).to.deep.equal({ k: "v" });
    expect([...store.snapshotter("native").walk(NS, [])]).to.have.length(2);
    expect(told.map(({ topic }) => topic)).to.deep.equal(["/images/create", "/images/create", "/images/create"]);
    const events = (await seen).map(({ event }) => event);
    for (const each of ["waiting", "complete", "extracting", "extracted", "saved"]) expect(events).to.include(each);
    expect(events[0]).to.equal(`Resolving from ${name()}`);
    expect(events.at(-1)).to.equal(`Completed pull from ${name()}`);
    expect(leases()).to.equal(0);
    store.collector.collect();
    expect([...store.content.blobs.walk(NS, [])]).to.have.length(4);
    expect([...store.snapshotter("native").walk(NS, [])]).to.have.length(2);
  });

  it("lets a name stand for what is there now", async () => {
    addImage();
    await client.transfer(registryEnd(name()), toStore());
    const { digest } = registry.addImage("a/b", "1", LAYERS.slice(0, 1), platformOfMachine(process.arch).architecture);
    await client.transfer(registryEnd(name()), toStore());
    expect(store.images.get(NS, name()).target.digest).to.equal(digest);
    expect(told.map(({ topic }) => topic)).to.deep.equal(["/images/create", "/images/update"]);
  });

  it("keeps what a failed pull has brought for the next one, and nothing longer", async () => {
    addImage();
    const large = digestOf(LAYERS[1] ?? "");
    registry.fault = (_request, response, path) => {
      if (!path.includes(large)) return false;
      response.writeHead(404).end();
      return true;
    };
    expect(await refusal(() => client.transfer(registryEnd(name()), toStore()))).to.match(
      /^not_found: cannot pull .*: GET http:.*: status 404$/,
    );
    expect(store.images.list(NS, [])).to.deep.equal([]);
    expect(leases()).to.equal(1);
    store.collector.collect();
    registry.fault = () => false;
    registry.log.length = 0;
    await client.transfer(registryEnd(name()), toStore());
    expect(registry.count(/^GET/)).to.equal(1);
    expect(leases()).to.equal(0);
  });

  it("leaves nothing of a pull that has brought nothing", async () => {
    expect(await refusal(() => client.transfer(registryEnd(name()), toStore()))).to.match(
      /status 404: manifest unknown$/,
    );
    expect(leases()).to.equal(0);
    expect(await refusal(() => client.transfer(registryEnd("bad name"), toStore()))).to.match(
      /^invalid_argument: invalid image/,
    );
    expect(leases()).to.equal(0);
  });

  it("asks the client for credentials", async () => {
    addImage();
    const header = basicHeader("ann", "pw");
    registry.fault = ({ headers }, response) => {
      if (headers.authorization === header) return false;
      response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
      return true;
    };
    const stream = await client.open("auth");
    const answer = async () => {
      const { typeUrl, value = new Uint8Array() } = (await stream.receive()) ?? {};
      expect(typeUrl).to.equal("containerd.types.transfer.AuthRequest");
      stream.send(
        typed("AuthResponse", types.AuthResponse, {
          authType: types.AuthType.CREDENTIALS,
          username: "ann",
          secret: "pw",
        }),
      );
      return types.AuthRequest.decode(value);
    };
    const asked = answer();
    await client.transfer(registryEnd(name(), { authStream: "auth" }), toStore());
    const wwwauthenticate = ["Basic realm=x"];
    expect(await asked).to.deep.include({ host: registry.host, reference: name(), wwwauthenticate });
    expect(await stream.all()).to.deep.equal([]);
  });

  for (const [what, give, why] of [
    [
      "has none",
      (stream: TransferStream) => stream.send(typed("AuthResponse", types.AuthResponse, {})),
      /^permission_denied: .*log in/,
    ],
    ["goes away", (stream: TransferStream) => stream.end(), /^aborted: .*closed the stream of credentials/],
    [
      "answers with something else",
      (stream: TransferStream) => stream.send(typed("Data", types.Data, {})),
      /^invalid_argument: /,
    ],
  ] as const) {
    it(`says so when the client ${what}`, async () => {
      registry.fault = (_request, response) => {
        response.writeHead(401, { "www-authenticate": "Basic" }).end();
        return true;
      };
      const stream = await client.open("auth");
      const asked = stream.receive().then(() => give(stream));
      expect(await refusal(() => client.transfer(registryEnd(name(), { authStream: "auth" }), toStore()))).to.match(
        why,
      );
      await asked;
    });
  }

  it("pushes, and tags", async () => {
    const { digest } = addImage();
    await client.transfer(registryEnd(name()), toStore());
    await client.transfer(imageStore({ name: name() }), imageStore({ name: "tagged" }));
    expect(store.images.get(NS, "tagged").target.digest).to.equal(digest);
    await using other = await FakeRegistry.start();
    const progress = await client.open("p");
    const seen = eventsOf(progress);
    await client.transfer(imageStore({ name: "tagged" }), registryEnd(`${other.host}/x:2`), { progress: "p" });
    expect(digestOf(other.manifests.get("x:2")?.bytes ?? "")).to.equal(digest);
    expect((await seen).map(({ event }) => event)).to.include("pushed content");
    const missing = () => client.transfer(imageStore({ name: "none" }), registryEnd(`${other.host}/x:2`));
    expect(await refusal(missing)).to.equal('not_found: image "none": not found');
  });

  it("exports through a window, and imports what it has exported", async () => {
    const { digest } = addImage();
    await client.transfer(registryEnd(name()), toStore());
    const stream = await client.open("e");
    const parts: Uint8Array[] = [];
    const receive = async () => {
      for (;;) {
        stream.send(typed("WindowUpdate", types.WindowUpdate, { update: 10_000 }));
        for (let got = 0; got < 10_000; ) {
          const message = await stream.receive();
          if (message === undefined) return;
          const { data } = types.Data.decode(message.value);
          expect(data.length).to.be.lessThanOrEqual(10_000 - got);
          got += data.length;
          parts.push(data);
        }
      }
    };
    const received = receive();
    await client.transfer(
      imageStore({ name: name() }),
      typed("ImageExportStream", types.ImageExportStream, { stream: "e" }),
    );
    await received;
    const archive = Buffer.concat(parts);
    expect(archive.length).to.be.greaterThan(200_000);
    store.images.delete(NS, name());
    store.collector.collect();
    expect([...store.content.blobs.walk(NS, [])]).to.deep.equal([]);

    const upload = await client.open("i");
    const send = async () => {
      let window = 0;
      for (let at = 0; at < archive.length; ) {
        while (window <= 0) {
          const message = await upload.receive();
          window += types.WindowUpdate.decode(message?.value ?? new Uint8Array()).update;
        }
        const data = archive.subarray(at, at + Math.min(32_768, window));
        upload.send(typed("Data", types.Data, { data }));
        at += data.length;
        window -= data.length;
      }
      upload.end();
    };
    const sent = send();
    const references = [{ name: "prefix", isPrefix: true, allowOverwrite: true, addDigest: true }];
    const destination = imageStore({ extraReferences: references, unpacks: [{ snapshotter: "native" }] });
    await client.transfer(typed("ImageImportStream", types.ImageImportStream, { stream: "i" }), destination);
    await sent;
    expect(store.images.get(NS, name()).target.digest).to.equal(digest);
    expect(store.images.get(NS, `prefix@${digest}`).target.digest).to.equal(digest);
    expect(leases()).to.equal(0);
  });

  it("refuses half an archive", async () => {
    const upload = await client.open("i");
    upload.send(typed("Data", types.Data, { data: new Uint8Array(700) }));
    upload.end();
    const source = typed("ImageImportStream", types.ImageImportStream, { stream: "i" });
    expect(await refusal(() => client.transfer(source, imageStore({ name: "x" })))).to.match(/^invalid_argument: /);
    expect(store.images.list(NS, [])).to.deep.equal([]);
  });

  it("ends a pull whose client goes away, and the next one goes on", async () => {
    addImage();
    const large = digestOf(LAYERS[1] ?? "");
    let gone = false;
    registry.fault = (_request, response, path) => {
      if (!path.includes(large)) return false;
      response.on("close", () => {
        gone = true;
      });
      response.writeHead(200, { "content-length": LAYERS[1]?.length ?? 0 }).write(LAYERS[1]?.subarray(0, 100_000));
      return true;
    };
    const controller = new AbortController();
    const running = refusal(() => client.transfer(registryEnd(name()), toStore(), { signal: controller.signal }));
    const offset = () => store.content.ingests.list(NS, []).find(({ ref }) => ref.includes(large))?.offset ?? 0;
    await waitUntil("first part", () => offset() === 100_000);
    controller.abort();
    expect(await running).to.match(/cancelled/i);
    await waitUntil("end of the connection", () => gone);
    registry.fault = () => false;
    await client.transfer(registryEnd(name()), toStore());
    expect(registry.count(/bytes=100000-/)).to.equal(1);
    expect(leases()).to.equal(0);
  });

  for (const [what, source, destination, why] of [
    [
      "a type that is not known",
      { typeUrl: "x.Y", value: new Uint8Array() },
      imageStore({ name: "x" }),
      /^unimplemented: .*x\.Y/,
    ],
    [
      "a pair that is none",
      registryEnd("a/b"),
      registryEnd("c/d"),
      /^unimplemented: cannot transfer from registry to registry/,
    ],
    ["an image without a name", registryEnd("a/b"), imageStore({}), /^invalid_argument: .*it has no name/],
    [
      "a snapshotter that is not there",
      registryEnd("a/b"),
      imageStore({ name: "x", unpacks: [{ snapshotter: "zfs" }] }),
      /^invalid_argument: there is no snapshotter "zfs"/,
    ],
    [
      "a scheme",
      registryEnd("a/b", { defaultScheme: "file" }),
      imageStore({ name: "x" }),
      /^invalid_argument: .*http or https/,
    ],
    [
      "a relative directory",
      registryEnd("a/b", { hostDir: "x" }),
      imageStore({ name: "x" }),
      /^invalid_argument: .*absolute/,
    ],
    [
      "a header",
      registryEnd("a/b", { headers: { "a\r\nb": "" } }),
      imageStore({ name: "x" }),
      /^invalid_argument: .*no header/,
    ],
    [
      "a stream that is not there",
      registryEnd("a/b", { authStream: "s" }),
      imageStore({ name: "x" }),
      /^not_found: stream "s"/,
    ],
    [
      "garbage",
      { typeUrl: "containerd.types.transfer.ImageStore", value: Buffer.from([255]) },
      imageStore({}),
      /^invalid_argument: cannot decode containerd/,
    ],
  ] as const) {
    it(`refuses ${what}`, async () => {
      expect(await refusal(() => client.transfer(source, destination))).to.match(why);
      expect(leases()).to.equal(0);
      expect(registry.log).to.deep.equal([]);
    });
  }

  it("knows a stream by its id for as long as it is open", async () => {
    const stream = await client.open("s");
    expect(await refusal(() => client.open("s"))).to.match(/^already_exists: stream "s"/);
    using other = new TransferClient(folder.at("s"), "other");
    const same = await other.open("s");
    same.end();
    stream.cancel();
    const again = async () => (await refusal(() => client.open("s"))).startsWith("none");
    await waitUntil("end of the stream", again);
    const raw = client.openRaw();
    raw.send({ typeUrl: "x", value: new Uint8Array() });
    expect(await refusal(() => raw.receive())).to.match(/^invalid_argument: a stream begins with/);
  });
});
