import { createServer as createHttp2, type ServerHttp2Stream } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { expect } from "chai";
import {
  encodeFrame,
  encodeNumberFrame,
  encodeSettings,
  FLAG,
  FRAME,
  FrameReader,
  PREFACE,
  SETTING,
} from "../rpc/http2/frame.ts";
import { encodeHeaders } from "../rpc/http2/hpack.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { toConnection } from "./connection.ts";

const update = (streamId: number, value: number) => encodeNumberFrame(FRAME.windowUpdate, streamId, value);

describe("toConnection()", () => {
  it("lets a server send as much as a client has granted, however it has", async () => {
    using folder = new TemporaryDirectory();
    const http2 = createHttp2();
    http2.on("stream", (stream: ServerHttp2Stream) => {
      stream.respond({ ":status": 200 });
      stream.end(Buffer.alloc(300_000));
    });
    const listener = createServer((socket) => void http2.emit("connection", toConnection(socket)));
    await new Promise<void>((resolve) => listener.listen(folder.at("s"), resolve));
    const client = connect(folder.at("s"));
    const received = countData(client);
    client.write(PREFACE);
    client.write(encodeSettings([]));
    const request = encodeHeaders([
      ...([
        [":method", "GET"],
        [":path", "/"],
        [":scheme", "http"],
        [":authority", "x"],
      ] as const),
    ]);
    const flags = FLAG.endHeaders + FLAG.endStream;
    client.write(encodeFrame({ type: FRAME.headers, flags, streamId: 1, payload: request }));
    await received(65_535);
    // What is granted one way must not be taken back by the other.
    client.write(Buffer.concat([update(0, 1_000_000), update(1, 30_000)]));
    await received(95_535);
    client.write(encodeSettings([[SETTING.initialWindowSize, 100_000]]));
    await received(130_000);
    client.write(Buffer.concat([encodeSettings([[SETTING.initialWindowSize, 150_000]]), update(1, 5000)]));
    await received(185_000);
    client.write(update(1, 200_000));
    await received(300_000);
    client.destroy();
    listener.close();
  });
});

/** Gives what waits until so many bytes of DATA have come. */
function countData(client: Socket): (bytes: number) => Promise<void> {
  const reader = new FrameReader();
  let total = 0;
  let wake: (() => void) | undefined;
  client.on("data", (chunk: Buffer) => {
    for (const { type, payload } of reader.push(chunk)) if (type === FRAME.data) total += payload.length;
    wake?.();
  });
  return async (bytes) => {
    while (total < bytes) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    expect(total).to.equal(bytes);
  };
}
