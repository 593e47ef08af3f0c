import { ContainerError } from "../../errors.ts";
import type { BusValue } from "../constants/dbus.ts";
import { type BusMessage, decodeMessage, encodeMessage, type Header, MESSAGE_TYPE, messageLength } from "./message.ts";

/** What the other side answers instead of a result. `error` is its name, as `org.freedesktop.systemd1.NoSuchUnit`. */
export class BusError extends ContainerError {
  override readonly name = "BusError";
  readonly error: string;

  constructor(error: string, message: string) {
    super("internal", message === "" ? error : message);
    this.error = error;
  }
}

/** A call of a method, with the types of its arguments. */
export interface MethodCall {
  readonly destination?: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly args?: readonly BusValue[];
}

/** How long a connection, and the answer to a call, may take. */
const REPLY_TIMEOUT_MS = 30_000;

/** A call that has no answer yet. */
interface Pending {
  resolve(values: readonly BusValue[]): void;
  reject(error: Error): void;
}

/**
 * A connection of D-Bus, without a bus between or before `Hello`. Owned by who opened it; closed by `using`.
 */
export class BusConnection implements Disposable {
  readonly #onSignal: (header: Header, body: readonly BusValue[]) => void;
  readonly #pending = new Map<number, Pending>();
  #socket: Bun.Socket<undefined> | undefined;
  #unsent = new Uint8Array();
  #received: Uint8Array = new Uint8Array();
  #isAuthenticated = false;
  #serial = 0;
  #failure: Error | undefined;

  private constructor(onSignal: (header: Header, body: readonly BusValue[]) => void) {
    this.#onSignal = onSignal;
  }

  /**
   * Connects to a unix socket and says who we are by what the kernel knows of us (AUTH EXTERNAL with an empty identity):
   * in a user namespace, our own idea of our uid is not the other side's.
   * @throws {ContainerError} unavailable
   */
  static async open(
    path: string,
    onSignal: (header: Header, body: readonly BusValue[]) => void,
  ): Promise<BusConnection> {
    const connection = new BusConnection(onSignal);
    try {
      connection.#socket = await Bun.connect<undefined>({
        unix: path,
        socket: {
          data: (_socket, chunk) => connection.#receive(chunk),
          drain: () => connection.#flush(),
          close: () => connection.#fail(new ContainerError("unavailable", "the other side has closed the connection")),
          error: (_socket, error) => connection.#fail(error),
        },
      });
    } catch (cause) {
      throw notConnected(cause);
    }
    connection.#send(new TextEncoder().encode("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"));
    return connection;
  }

  /** Calls a method and gives what it returns. @throws {BusError} @throws {ContainerError} deadline_exceeded */
  async call(call: MethodCall): Promise<readonly BusValue[]> {
    const { args = [], ...header } = call;
    const serial = ++this.#serial;
    const answer = new Promise<readonly BusValue[]>((resolve, reject) => {
      if (this.#failure !== undefined) reject(this.#failure);
      else this.#pending.set(serial, { resolve, reject });
    });
    this.#send(encodeMessage({ type: MESSAGE_TYPE.METHOD_CALL, serial, header, body: args }));
    return await withTimeout(answer, REPLY_TIMEOUT_MS, `${call.member} of ${call.interface} was not answered`);
  }

  /** Ends the connection; calls without an answer are rejected. */
  close(): void {
    this.#fail(new ContainerError("aborted", "the connection was closed"));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #send(bytes: Uint8Array): void {
    this.#unsent = Buffer.concat([this.#unsent, bytes]);
    this.#flush();
  }

  #flush(): void {
    if (this.#socket === undefined || this.#unsent.length === 0) return;
    const sent = this.#socket.write(this.#unsent);
    this.#unsent = this.#unsent.slice(Math.max(0, sent));
  }

  #receive(chunk: Uint8Array): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    try {
      if (!this.#isAuthenticated) this.#readGreeting();
      if (this.#isAuthenticated) this.#readMessages();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new TypeError(String(error)));
    }
  }

  /** D-Bus specification, authentication: `DATA` asks for the identity, `OK` takes it. */
  #readGreeting(): void {
    const text = new TextDecoder("latin1").decode(this.#received);
    const lines = /^DATA *\r\n(OK [^\r\n]*|[^\r\n]*)\r\n/.exec(text);
    if (lines === null && !/^(REJECTED|ERROR)/.test(text)) return;
    if (!lines?.[1]?.startsWith("OK ")) {
      const said = (lines?.[1] ?? text).trim();
      throw new ContainerError("permission_denied", `the other side refuses us: ${said}`);
    }
    this.#received = this.#received.slice(lines[0].length);
    this.#isAuthenticated = true;
  }

  #readMessages(): void {
    for (;;) {
      const length = messageLength(this.#received);
      if (length === undefined || this.#received.length < length) return;
      const message = decodeMessage(this.#received.slice(0, length));
      this.#received = this.#received.slice(length);
      this.#dispatch(message);
    }
  }

  #dispatch({ type, header, body }: BusMessage): void {
    if (type === MESSAGE_TYPE.SIGNAL) this.#onSignal(header, body);
    const pending = this.#pending.get(header.replySerial ?? 0);
    if (pending === undefined) return;
    this.#pending.delete(header.replySerial ?? 0);
    if (type === MESSAGE_TYPE.METHOD_RETURN) pending.resolve(body);
    else pending.reject(new BusError(header.errorName ?? "", typeof body[0] === "string" ? body[0] : ""));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
    this.#socket?.end();
    this.#socket = undefined;
  }
}

/** With the errno of connect(2), where there is one. */
function notConnected(cause: unknown): ContainerError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return new ContainerError("unavailable", code === "ENOENT" ? "no such socket" : `connect: ${code}`, { cause });
}

/** What the promise gives, if it does in time. @throws {ContainerError} deadline_exceeded */
export async function withTimeout<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = `${what} within ${timeoutMs / 1000} s`;
    timer = setTimeout(() => reject(new ContainerError("deadline_exceeded", why)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
