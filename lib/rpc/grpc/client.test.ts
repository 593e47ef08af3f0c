import { createServer as createHttp2Server, type Http2Server } from "node:http2";
import { createServer, type Socket } from "node:net";
import { expect } from "chai";
import { google } from "../../../proto/gen/daemon.js";
import { ContainerError } from "../../errors.ts";
import { failureOf } from "../../testing/failure.ts";
import { listenerAt } from "../../testing/listener.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { connectGrpc, type GrpcConnection } from "./client.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { duplex, serverStream, unary } from "./method.ts";
import { GrpcServer } from "./server.ts";

const { Any } = google.protobuf;
const ANY = [Any, Any] as const;

/** What the streams have been told. */
const log: string[] = [];
let sent = 0;

const SERVICE = {
  name: "t.T",
  methods: [
    unary("Echo", ANY, (request) => request),
    unary("Header", ANY, (_request, { header }) => ({ typeUrl: header("key") ?? "none" })),
    unary("Fail", ANY, () => {
      throw new ContainerError("already_exists", 'there is "one" – 100 %');
    }),
    unary("Never", ANY, (_request, { signal }) => {
      signal.addEventListener("abort", () => log.push("given up"));
      return new Promise(() => undefined);
    }),
    serverStream("Count", ANY, function* ({ typeUrl }) {
      for (let n = 0; n < Number(typeUrl); n++) yield { typeUrl: String(n) };
      throw new ContainerError("out_of_range", "no more");
    }),
    serverStream("Endless", ANY, async function* (_request, { signal }) {
      try {
        for (sent = 0; !signal.aborted; sent++) yield await Promise.resolve({ value: new Uint8Array(65_536) });
      } finally {
        log.push("ended");
      }
    }),
    duplex("Talk", ANY, async function* (requests) {
      for await (const { typeUrl, value } of requests) yield { typeUrl: `${typeUrl}!`, value };
      yield { typeUrl: "end" };
    }),
  ],
};

const any = (typeUrl: string, value = new Uint8Array()) => Any.encode({ typeUrl, value }).finish();

describe("GrpcConnection", function () {
  // Megabytes go through, on a machine that may have other things to do.
  this.timeout(90_000);
  const folder = new TemporaryDirectory();
  const path = folder.at("socket");
  const server = new GrpcServer(listenerAt(path), [SERVICE]);
  let client: GrpcConnection;

  before(async () => {
    client = await connectGrpc(path);
  });

  after(async () => {
    client.close();
    await server.close(100);
    folder[Symbol.dispose]();
  });

  async function names(method: string, request: Uint8Array): Promise<readonly string[]> {
    const call = client.call(`/t.T/${method}`);
    void call.send(request);
    call.end();
    const seen: string[] = [];
    try {
      for await (const message of call.messages()) seen.push(Any.decode(message).typeUrl);
    } catch (error) {
      seen.push(error instanceof ContainerError ? `${error.code}: ${error.message}` : "?");
    }
    return seen;
  }

  it("carries messages of up to 16 MiB", async () => {
    for (const size of [0, 1, 20_000, 1_000_000, MAX_MESSAGE_BYTES - 64]) {
      const value = new Uint8Array(size).fill(7);
      const answer = Any.decode(await client.unary("/t.T/Echo", any("a", value)));
      expect(Buffer.compare(answer.value, value)).to.equal(0);
    }
  });

  it("makes many calls at once", async () => {
    const numbers = Array.from({ length: 200 }, (_, n) => `${n} ${"x".repeat(n * 100)}`);
    const answers = await Promise.all(numbers.map((text) => client.unary("/t.T/Echo", any(text))));
    expect(answers.map((answer) => Any.decode(answer).typeUrl)).to.deep.equal(numbers);
  });

  it("sends headers", async () => {
    const answer = await client.unary("/t.T/Header", any(""), { headers: { key: "value" } });
    expect(Any.decode(answer).typeUrl).to.equal("value");
  });

  it("gives errors their codes and texts", async () => {
    expect(await names("Fail", any(""))).to.deep.equal(['already_exists: there is "one" – 100 %']);
    expect((await names("Missing", any("")))[0]).to.match(/^unimplemented: /);
  });

  it("does not wait longer than it is told to, and tells the server", async () => {
    log.length = 0;
    const error = await failureOf(client.unary("/t.T/Never", any(""), { timeoutMs: 50 }));
    expect(error).to.have.property("code", "deadline_exceeded");
    while (!log.includes("given up")) await Bun.sleep(1);
  });

  it("gives what a stream has sent before its error", async () => {
    const wanted = [...Array.from({ length: 1000 }, (_, n) => String(n)), "out_of_range: no more"];
    expect(await names("Count", any("1000"))).to.deep.equal(wanted);
  });

  it("lets the server wait for a reader, and tells it when the reader goes", async () => {
    log.length = 0;
    const call = client.call("/t.T/Endless");
    void call.send(any(""));
    call.end();
    const messages = call.messages();
    await messages.next();
    let before = -1;
    // It comes to rest when all that lies between is full.
    for (let at = sent; at !== before; at = sent) {
      before = at;
      await Bun.sleep(50);
    }
    expect(sent * 65_536).to.be.lessThan(16 * 2 ** 20);
    for (let n = 0; n < 200; n++) await messages.next();
    expect(sent).to.be.greaterThan(before);
    await messages.return(undefined);
    while (!log.includes("ended")) await Bun.sleep(1);
  });

  it("talks both ways, with more than the windows hold", async () => {
    const call = client.call("/t.T/Talk");
    const answers = call.messages();
    const value = new Uint8Array(3_145_728).fill(1);
    for (const word of ["a", "b", "c"]) {
      await call.send(any(word, value));
      const { value: answer } = await answers.next();
      expect(Any.decode(answer ?? new Uint8Array()).typeUrl).to.equal(`${word}!`);
    }
    call.end();
    expect(Any.decode((await answers.next()).value ?? new Uint8Array()).typeUrl).to.equal("end");
    expect((await answers.next()).done).to.equal(true);
  });
});

describe("connectGrpc()", function () {
  this.timeout(90_000);
  const folder = new TemporaryDirectory();
  after(() => folder[Symbol.dispose]());

  it("says why it cannot connect", async () => {
    const error = await failureOf(connectGrpc(folder.at("nobody")));
    expect(error).to.have.property("code", "unavailable");
    expect(error).to.have.property("message", `cannot connect to ${folder.at("nobody")}`);
    expect((error as Error).cause).to.have.property("message", "there is no such socket (ENOENT)");
  });

  /** The failure of a call to a server that does something else than it should. */
  async function failureWith(serve: (socket: Socket) => void): Promise<unknown> {
    const path = folder.at(`s${Bun.nanoseconds()}`);
    const listener = createServer(serve);
    await new Promise<void>((resolve) => listener.listen(path, resolve));
    const client = await connectGrpc(path);
    try {
      return await failureOf(client.unary("/t.T/Echo", new Uint8Array()));
    } finally {
      client.close();
      listener.close();
    }
  }

  it("fails a call when the server hangs up", async () => {
    expect(await failureWith((socket) => socket.once("data", () => socket.destroy()))).to.include({
      ...{ code: "unavailable", message: "the connection was closed" },
    });
  });

  it("fails a call when the server speaks something else", async () => {
    const error = await failureWith((socket) => socket.write("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
    expect(error)
      .to.have.property("message")
      .that.matches(/^the server does not speak HTTP\/2: a frame of \d+ bytes/);
  });

  it("fails a call when the server is no gRPC server", async () => {
    const path = folder.at("http2");
    const server: Http2Server = createHttp2Server((_request, response) => response.writeHead(404).end("nothing here"));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const client = await connectGrpc(path);
    const error = await failureOf(client.unary("/t.T/Echo", new Uint8Array()));
    client.close();
    server.close();
    expect(error).to.have.property("message", "/t.T/Echo: the server is no gRPC server (HTTP status 404)");
  });
});
