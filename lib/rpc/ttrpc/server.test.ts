import { expect } from "chai";
import { ttrpc } from "../../../proto/gen/shim.js";
import { ContainerError } from "../../errors.ts";
import { CODE } from "../status.ts";
import { encodeFrame, FLAG, FRAME, FrameReader, type FrameType, HEADER_BYTES, MAX_DATA_BYTES } from "./frame.ts";
import { type CallContext, type Method, ServerConnection, type Services } from "./server.ts";

interface Answer {
  readonly streamId: number;
  readonly code: number;
  readonly message: string;
  readonly payload: readonly number[];
}

/** A client that writes bytes by hand. */
class Peer {
  readonly answers: Answer[] = [];
  isClosed = false;
  readonly connection: ServerConnection;
  readonly #reader = new FrameReader();

  constructor(services: Services) {
    this.connection = new ServerConnection(
      {
        write: (bytes) => {
          for (const { streamId, data } of this.#reader.push(bytes)) {
            const { status, payload } = ttrpc.Response.decode(data ?? new Uint8Array());
            const { code, message } = status ?? { code: 0, message: "" };
            this.answers.push({ streamId, code, message, payload: [...payload] });
          }
        },
        queuedBytes: 0,
        close: () => {
          this.isClosed = true;
        },
      },
      services,
    );
  }

  send(streamId: number, payload: Uint8Array, { flags = 0, type = FRAME.request as FrameType } = {}): void {
    this.connection.receive(encodeFrame(streamId, type, flags, payload));
  }

  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function request(method: string, timeoutMs = 0): Uint8Array {
  const payload = Uint8Array.of(7);
  return ttrpc.Request.encode({ service: "s", method, payload, timeoutNano: timeoutMs * 1e6 }).finish();
}

const gates = new Map<string, () => void>();
const contexts: CallContext[] = [];

const METHODS: Record<string, Method> = {
  echo: (payload) => Promise.resolve(payload),
  empty: () => Promise.resolve(new Uint8Array()),
  fail: () => Promise.reject(new ContainerError("not_found", "no such thing")),
  crash: () => {
    throw new TypeError("internal error: oops");
  },
  large: () => Promise.resolve(new Uint8Array(MAX_DATA_BYTES)),
  slow: (payload, context) => {
    contexts.push(context);
    return new Promise((resolve) => gates.set("slow", () => resolve(payload)));
  },
  never: (_payload, context) => {
    contexts.push(context);
    return new Promise(() => undefined);
  },
};

const SERVICES: Services = new Map([["s", new Map(Object.entries(METHODS))]]);

describe("ServerConnection", () => {
  let peer: Peer;
  beforeEach(() => {
    peer = new Peer(SERVICES);
    contexts.length = 0;
  });

  it("answers with what the method gives", async () => {
    peer.send(1, request("echo"));
    peer.send(3, request("empty"));
    await peer.settle();
    expect(peer.answers).to.deep.equal([
      { streamId: 1, code: 0, message: "", payload: [7] },
      { streamId: 3, code: 0, message: "", payload: [] },
    ]);
  });

  it("gives the class and the words of an error, and lives on after one of ours", async () => {
    peer.send(1, request("fail"));
    peer.send(3, request("crash"));
    peer.send(5, request("echo"));
    await peer.settle();
    expect(peer.answers.map(({ streamId, code, message }) => [streamId, code, message])).to.have.deep.members([
      [1, CODE.not_found, "no such thing"],
      [3, CODE.unknown, "internal error: oops"],
      [5, 0, ""],
    ]);
  });

  it("says that it does not know a service or a method, of whatever name", async () => {
    const names = ["missing", "constructor", "__proto__", ""];
    names.forEach((name, index) => {
      peer.send(1 + 4 * index, request(name));
      peer.send(3 + 4 * index, ttrpc.Request.encode({ service: name, method: "echo" }).finish());
    });
    await peer.settle();
    expect(peer.answers.map(({ code }) => code)).to.deep.equal(Array.from({ length: 8 }, () => CODE.unimplemented));
  });

  it("handles a call while another one waits", async () => {
    peer.send(1, request("slow"));
    peer.send(3, request("echo"));
    await peer.settle();
    expect(peer.answers.map(({ streamId }) => streamId)).to.deep.equal([3]);
    gates.get("slow")?.();
    await peer.settle();
    expect(peer.answers.map(({ streamId }) => streamId)).to.deep.equal([3, 1]);
  });

  it("ends a call when its time is up, answers once, and tells the method", async () => {
    peer.send(1, request("slow", 5));
    await new Promise((resolve) => contexts[0]?.signal.addEventListener("abort", resolve));
    gates.get("slow")?.();
    await peer.settle();
    expect(peer.answers.map(({ streamId, code }) => [streamId, code])).to.deep.equal([[1, CODE.deadline_exceeded]]);
  });

  it("tells methods when the connection closes, and answers nothing more", async () => {
    peer.send(1, request("never"));
    peer.send(3, request("slow"));
    await peer.settle();
    peer.connection.closed();
    gates.get("slow")?.();
    await peer.settle();
    expect(contexts.map(({ signal }) => signal.aborted)).to.deep.equal([true, true]);
    expect(peer.answers).to.deep.equal([]);
  });

  it("refuses stream ids that are even, zero, or used before", async () => {
    peer.send(2, request("echo"));
    peer.send(0, request("echo"));
    peer.send(5, request("echo"));
    peer.send(5, request("echo"));
    peer.send(3, request("echo"));
    await peer.settle();
    const refused = peer.answers.filter(({ code }) => code === CODE.invalid_argument).map(({ streamId }) => streamId);
    expect(refused).to.deep.equal([2, 0, 5, 3]);
    expect(peer.answers.filter(({ code }) => code === 0)).to.have.length(1);
  });

  it("refuses streams, and passes over what is sent on them", async () => {
    peer.send(1, request("echo"), { flags: FLAG.remoteOpen });
    peer.send(1, Uint8Array.of(1, 2), { type: FRAME.data });
    peer.send(3, request("echo"));
    await peer.settle();
    expect(peer.answers.map(({ streamId, code }) => [streamId, code])).to.deep.equal([
      [1, CODE.unimplemented],
      [3, 0],
    ]);
  });

  it("answers a message that is too long, and one whose answer would be", async () => {
    const long = new Uint8Array(HEADER_BYTES + MAX_DATA_BYTES + 1);
    new DataView(long.buffer).setUint32(0, MAX_DATA_BYTES + 1);
    long.set([0, 0, 0, 1, FRAME.request, 0], 4);
    peer.connection.receive(long);
    peer.send(3, request("large"));
    await peer.settle();
    expect(peer.answers.map(({ streamId, code }) => [streamId, code])).to.deep.equal([
      [1, CODE.resource_exhausted],
      [3, CODE.resource_exhausted],
    ]);
  });

  it("answers a request that is no protobuf", async () => {
    peer.send(1, Uint8Array.of(0xff, 0xff, 0xff));
    await peer.settle();
    expect(peer.answers.map(({ code }) => code)).to.deep.equal([CODE.invalid_argument]);
  });

  it("closes the connection when it gets garbage", () => {
    peer.connection.receive(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    expect(peer.isClosed).to.equal(true);
    expect(() => peer.connection.receive(Uint8Array.of(1))).to.not.throw();
  });

  it("never throws, whatever comes", async () => {
    const seeds = Array.from({ length: 3_000 }, (_, index) => index);
    for (const seed of seeds) {
      const fuzzed = new Peer(SERVICES);
      const bytes = fuzz(seed);
      const cut = seed % bytes.length;
      expect(() => {
        fuzzed.connection.receive(bytes.subarray(0, cut));
        fuzzed.connection.receive(bytes.subarray(cut));
        fuzzed.connection.closed();
      }).to.not.throw();
    }
    await peer.settle();
  });
});

/** Requests with some bytes changed; the same seed gives the same bytes. */
function fuzz(seed: number): Uint8Array {
  let state = seed * 2_654_435_761 + 1;
  const next = (limit: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state % limit;
  };
  const methods = Object.keys(METHODS);
  const frames = [1, 3].map((id) => encodeFrame(id, FRAME.request, 0, request(methods[next(methods.length)] ?? "")));
  const bytes = new Uint8Array(frames.flatMap((frame) => [...frame]));
  for (let change = next(8); change >= 0; change--) bytes[next(bytes.length)] = next(256);
  return bytes;
}
