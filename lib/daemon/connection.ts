import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { InitialWindow } from "../rpc/http2/initial-window.ts";

/** A connection as the gRPC server is to see it: with windows as RFC 9113 has them. */
export function toConnection(socket: Socket): Duplex {
  const windows = new InitialWindow();
  const connection = new Duplex({
    read: () => void socket.resume(),
    write(chunk: Uint8Array, _encoding, done) {
      windows.outgoing(chunk);
      socket.write(chunk, done);
    },
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk: Uint8Array) => {
    let hasRoom = true;
    for (const bytes of windows.incoming(chunk)) hasRoom = connection.push(bytes);
    if (!hasRoom) socket.pause();
  });
  socket.once("end", () => void connection.push(null));
  socket.once("close", () => void connection.destroy());
  // Whoever breaks it off has nobody to be told.
  connection.on("error", () => undefined);
  return connection;
}
