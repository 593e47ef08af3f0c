import { expect } from "chai";
import { ContainerError } from "../../errors.ts";
import { openKernel } from "../../linux/kernel.ts";
import { listenStream } from "../../linux/socket.ts";
import { failureOf } from "../../testing/failure.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { type ClientConnection, connect } from "./client.ts";
import { type Method, serve, type TtrpcServer } from "./server.ts";

const METHODS: Record<string, Method> = {
  echo: (payload) => Promise.resolve(payload),
  fail: () => Promise.reject(new ContainerError("already_exists", "there is one")),
  metadata: (_payload, { metadata }) => Promise.resolve(new TextEncoder().encode(metadata.get("key"))),
  never: () => new Promise(() => undefined),
};

describe("connect() and serve()", () => {
  const folder = new TemporaryDirectory();
  let client: ClientConnection;
  let server: TtrpcServer;

  before(async () => {
    const path = folder.at("socket");
    const listener = listenStream(openKernel(), path);
    if (typeof listener === "number") throw new Error(`cannot listen: ${listener}`);
    server = serve(listener.release(), new Map([["s", new Map(Object.entries(METHODS))]]));
    client = await connect(path);
  });

  after(() => {
    client.close();
    server.stop();
    folder[Symbol.dispose]();
  });

  const call = (method: string, payload = new Uint8Array(), timeoutMs?: number) =>
    client.call({ service: "s", method, payload, ...(timeoutMs === undefined ? {} : { timeoutMs }) });

  it("carries messages of up to four megabytes both ways", async () => {
    for (const size of [0, 1, 100_000, 4 * 2 ** 20 - 64]) {
      const payload = new Uint8Array(size).fill(size % 251);
      expect(Buffer.compare(await call("echo", payload), payload)).to.equal(0);
    }
  });

  it("carries many calls at once", async () => {
    const payloads = Array.from({ length: 500 }, (_, index) => new Uint8Array(index).fill(index % 256));
    const answers = await Promise.all(payloads.map((payload) => call("echo", payload)));
    expect(answers.map((answer) => answer.length)).to.deep.equal(payloads.map(({ length }) => length));
  });

  it("gives the server's errors", async () => {
    const error = await failureOf(call("fail"));
    expect(error).to.be.instanceOf(ContainerError).and.to.include({ code: "already_exists", message: "there is one" });
  });

  it("carries metadata", async () => {
    const answer = await client.call({
      service: "s",
      method: "metadata",
      payload: new Uint8Array(),
      metadata: { key: "v" },
    });
    expect(new TextDecoder().decode(answer)).to.equal("v");
  });

  it("does not wait longer than asked", async () => {
    expect(await failureOf(call("never", new Uint8Array(), 20))).to.include({ code: "deadline_exceeded" });
  });

  it("refuses a request that is too long", async () => {
    expect(await failureOf(call("echo", new Uint8Array(4 * 2 ** 20)))).to.include({ code: "resource_exhausted" });
  });

  it("ends what waits when the connection closes, and what comes after", async () => {
    const waiting = failureOf(call("never"));
    client.close();
    expect(await waiting).to.include({ code: "unavailable" });
    expect(await failureOf(call("echo"))).to.include({ code: "unavailable" });
  });

  it("says that nobody listens", async () => {
    expect(await failureOf(connect(folder.at("missing")))).to.include({ code: "unavailable" });
  });
});
