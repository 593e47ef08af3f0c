import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { expect } from "chai";
import { google } from "../../../proto/gen/daemon.js";
import { ContainerError } from "../../errors.ts";
import { listenerAt } from "../../testing/listener.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { duplex, serverStream, unary } from "./method.ts";
import { GrpcServer } from "./server.ts";

const { Any } = google.protobuf;
type Any = google.protobuf.Any;
const ANY = [Any, Any] as const;

/** What the stream that never ends has been told. */
const log: string[] = [];
let sent = 0;

const SERVICE = {
  name: "test.Test",
  methods: [
    unary("Echo", ANY, (request) => request),
    unary("Header", ANY, (_request, { header }) => ({ typeUrl: header("key") ?? "none" })),
    unary("Fail", ANY, () => {
      throw new ContainerError("already_exists", 'there is "one" – 100 %');
    }),
    unary("Break", ANY, () => {
      throw new TypeError("internal error: broken");
    }),
    unary("Large", ANY, () => ({ value: new Uint8Array(MAX_MESSAGE_BYTES) })),
    unary("Never", ANY, (_request, { signal }) => {
      signal.addEventListener("abort", () => log.push("given up"));
      return new Promise(() => undefined);
    }),
    serverStream("Count", ANY, function* () {
      for (let n = 0; n < 1000; n++) yield { typeUrl: String(n) };
    }),
    serverStream("Endless", ANY, async function* (_request, { signal }) {
      try {
        for (sent = 0; !signal.aborted; sent++) yield await Promise.resolve({ value: new Uint8Array(65_536) });
      } finally {
        log.push("ended");
      }
    }),
    serverStream("FailLate", ANY, function* () {
      yield { typeUrl: "first" };
      throw new ContainerError("out_of_range", "no second");
    }),
    duplex("Talk", ANY, async function* (requests) {
      for await (const { typeUrl } of requests) {
        if (typeUrl === "stop") throw new ContainerError("aborted", "stopped");
        yield { typeUrl: `${typeUrl}!` };
      }
      yield { typeUrl: "end" };
    }),
  ],
};

const encode = (message: Any): Buffer => Buffer.from(Any.encode(message).finish());
const decode = (bytes: Buffer): Any => Any.decode(bytes);
const any = (typeUrl: string, value = new Uint8Array()): Any => ({ typeUrl, value });

describe("GrpcServer", function () {
  // Megabytes go through, on a machine that may have other things to do.
  this.timeout(20_000);
  const folder = new TemporaryDirectory();
  const path = folder.at("socket");
  let connections = 0;
  const server = new GrpcServer(listenerAt(path), [SERVICE], {
    admit: () => {
      connections += 1;
      return true;
    },
  });
  let client: Client;

  before(() => {
    const limit = 2 * MAX_MESSAGE_BYTES;
    client = new Client(`unix:${path}`, credentials.createInsecure(), {
      ...{ "grpc.max_receive_message_length": limit, "grpc.max_send_message_length": limit },
    });
  });

  after(async () => {
    client.close();
    await server.close(100);
    folder[Symbol.dispose]();
  });

  /** The answer, or the code and the message of the failure. */
  function call(method: string, request: Any, { metadata = new Metadata(), deadlineMs = 10_000 } = {}) {
    const options = { deadline: Date.now() + deadlineMs };
    return new Promise<Any | string>((resolve) => {
      client.makeUnaryRequest(`/test.Test/${method}`, encode, decode, request, metadata, options, (error, answer) => {
        resolve(error === null && answer !== undefined ? answer : describeFailure(error));
      });
    });
  }

  function describeFailure(error: ServiceError | null): string {
    return `${error?.code}: ${error?.details}`;
  }

  it("carries messages of up to 16 MiB", async () => {
    for (const size of [0, 1, 1_000_000, MAX_MESSAGE_BYTES - 64]) {
      const value = new Uint8Array(size).fill(7);
      const answer = (await call("Echo", any("a", value))) as Any;
      expect(Buffer.compare(answer.value, value)).to.equal(0);
    }
  });

  it("refuses longer ones", async () => {
    expect(await call("Echo", any("a", new Uint8Array(MAX_MESSAGE_BYTES)))).to.match(/^8: /);
  });

  it("gives no longer ones", async () => {
    expect(await call("Large", any(""))).to.match(/^8: an answer of 16777\d+ bytes; the limit is 16777216$/);
  });

  it("gives the first value of a header", async () => {
    const metadata = new Metadata();
    metadata.add("key", "value");
    expect(await call("Header", any(""), { metadata })).to.include({ typeUrl: "value" });
    expect(await call("Header", any(""))).to.include({ typeUrl: "none" });
  });

  it("gives errors their codes and texts", async () => {
    expect(await call("Fail", any(""))).to.equal('6: there is "one" – 100 %');
    expect(await call("Break", any(""))).to.equal("2: internal error: broken");
    expect(await call("Missing", any(""))).to.match(/^12: /);
  });

  it("refuses bytes that are no message", async () => {
    const garbage = (): Buffer => Buffer.from([0xff, 0xff]);
    const failure = await new Promise<string>((resolve) => {
      client.makeUnaryRequest("/test.Test/Echo", garbage, decode, any(""), (error) => resolve(describeFailure(error)));
    });
    expect(failure).to.match(/^3: cannot decode the request of Echo/);
  });

  for (const [what, status, headers] of [
    ["is not posted", 405, { ":method": "GET", "content-type": "application/grpc" }],
    ["is of another type", 415, { ":method": "POST", "content-type": "text/html" }],
  ] as const) {
    it(`answers with status ${status} what ${what}`, async () => {
      const session = connectHttp2("http://localhost", { createConnection: () => connect(path) });
      const request = session.request({ ":path": "/test.Test/Echo", ...headers });
      const answer = await new Promise<IncomingHttpHeaders & { ":status"?: number }>((resolve) => {
        request.once("response", resolve);
      });
      session.destroy();
      expect(answer[":status"]).to.equal(status);
    });
  }

  it("honours deadlines, and tells the method", async () => {
    log.length = 0;
    expect(await call("Never", any(""), { deadlineMs: 50 })).to.match(/^4: /);
    while (!log.includes("given up")) await Bun.sleep(1);
  });

  it("streams responses in order", async () => {
    const stream = client.makeServerStreamRequest("/test.Test/Count", encode, decode, any(""));
    const seen: string[] = [];
    for await (const { typeUrl } of stream as AsyncIterable<Any>) seen.push(typeUrl);
    expect(seen).to.deep.equal(Array.from({ length: 1000 }, (_, n) => String(n)));
  });

  it("ends a stream with an error after what came before it", async () => {
    const stream = client.makeServerStreamRequest("/test.Test/FailLate", encode, decode, any(""));
    const seen: string[] = [];
    stream.on("data", ({ typeUrl }: Any) => seen.push(typeUrl));
    const failure = await new Promise<ServiceError>((resolve) => stream.on("error", resolve));
    expect([...seen, describeFailure(failure)]).to.deep.equal(["first", "11: no second"]);
  });

  it("does not run ahead of a reader, and stops when it goes", async () => {
    log.length = 0;
    const stream = client.makeServerStreamRequest("/test.Test/Endless", encode, decode, any(""));
    stream.on("error", () => undefined);
    await new Promise((resolve) => stream.once("data", resolve));
    stream.pause();
    let before = -1;
    // It comes to rest when all that lies between is full.
    for (let at = sent; at !== before; at = sent) {
      before = at;
      await Bun.sleep(50);
    }
    expect(sent * 65_536).to.be.lessThan(64 * 2 ** 20);
    stream.cancel();
    stream.resume();
    while (!log.includes("ended")) await Bun.sleep(1);
  });

  it("takes any number of calls that are cancelled, on one connection", async () => {
    connections = 0;
    const own = new Client(client.getChannel().getTarget(), credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    for (let n = 0; n < 1500; n++) {
      const stream = own.makeServerStreamRequest("/test.Test/Endless", encode, decode, any(""));
      const failed = new Promise<ServiceError>((resolve) => stream.once("error", resolve));
      stream.once("data", () => stream.cancel());
      expect((await failed).code).to.equal(1);
    }
    own.close();
    expect(connections).to.equal(1);
  });

  it("talks both ways", async () => {
    const stream: ClientDuplexStream<Any, Any> = client.makeBidiStreamRequest("/test.Test/Talk", encode, decode);
    const answers: AsyncIterator<Any> = stream[Symbol.asyncIterator]();
    for (const word of ["a", "b", "c"]) {
      stream.write(any(word));
      expect((await answers.next()).value).to.include({ typeUrl: `${word}!` });
    }
    stream.end();
    expect((await answers.next()).value).to.include({ typeUrl: "end" });
    expect((await answers.next()).done).to.equal(true);
  });

  it("takes many requests that nobody waits for", async () => {
    const stream: ClientDuplexStream<Any, Any> = client.makeBidiStreamRequest("/test.Test/Talk", encode, decode);
    for (let n = 0; n < 500; n++) stream.write(any(String(n)));
    stream.end();
    const seen: string[] = [];
    for await (const { typeUrl } of stream as AsyncIterable<Any>) seen.push(typeUrl);
    expect(seen).to.deep.equal([...Array.from({ length: 500 }, (_, n) => `${n}!`), "end"]);
  });

  it("fails both ways", async () => {
    const stream: ClientDuplexStream<Any, Any> = client.makeBidiStreamRequest("/test.Test/Talk", encode, decode);
    stream.on("data", () => undefined);
    stream.write(any("stop"));
    const failure = await new Promise<ServiceError>((resolve) => stream.on("error", resolve));
    expect(describeFailure(failure)).to.equal("10: stopped");
  });
});
