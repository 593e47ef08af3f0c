import { type Receiver, SocketTransport } from "./transport.ts";

/** What a listening socket tells its server. */
export interface Acceptor<R extends Receiver> {
  /** Somebody has connected: who is told of what comes, or undefined to hang up. `fd` stays the connection's. */
  readonly accept: (transport: SocketTransport, fd: number) => R | undefined;
  /** A connection that was accepted has ended, and its receiver was told. */
  readonly ended: (receiver: R) => void;
}

interface Peer<R> {
  readonly transport: SocketTransport;
  readonly receiver: R;
}

/**
 * Takes connections from a descriptor that listens on a unix socket, which from here belongs to this. Gives what ends that;
 * the connections there are stay.
 */
export function listen<R extends Receiver>(listener: number, { accept, ended }: Acceptor<R>): { stop(): void } {
  type Socket = Bun.Socket<Peer<R> | undefined> & { readonly fd: number };
  // Bun listens on a descriptor as it does on a path, and its sockets have theirs; its types know neither.
  const options: unknown = {
    fd: listener,
    socket: {
      open(socket: Socket) {
        const transport = new SocketTransport(socket);
        const receiver = accept(transport, socket.fd);
        if (receiver === undefined) transport.close();
        else socket.data = { transport, receiver };
      },
      data: ({ data: peer }: Socket, chunk: Uint8Array) => peer?.receiver.receive(chunk),
      drain({ data: peer }: Socket) {
        peer?.transport.flush();
        peer?.receiver.drained?.();
      },
      close({ data: peer }: Socket) {
        if (peer === undefined) return;
        peer.receiver.closed();
        ended(peer.receiver);
      },
      error: ({ data: peer }: Socket) => peer?.transport.close(),
    },
  };
  const server = Bun.listen(options as Bun.UnixSocketOptions<Peer<R> | undefined>);
  return { stop: () => server.stop(false) };
}
