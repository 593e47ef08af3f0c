import type { BusValue } from "../linux/constants/dbus.ts";
import {
  type BusMessage,
  decodeMessage,
  encodeMessage,
  type Header,
  MESSAGE_TYPE,
  messageLength,
} from "../linux/dbus/message.ts";

/** What a fake bus says to a call: values with their signature, an error, or nothing at all. */
export type Answer =
  | {
      readonly signature: string;
      readonly body: readonly BusValue[];
      readonly after?: Signal;
      readonly before?: Signal;
    }
  | { readonly error: string; readonly text: string }
  | undefined;

/** A signal with its arguments. */
export interface Signal {
  readonly header: Header;
  readonly body: readonly BusValue[];
}

/** For tests: the other side of a D-Bus connection, on a socket at `path`, that answers by a function. */
export class FakeBus implements Disposable {
  readonly calls: BusMessage[] = [];
  /** What the client says before its first message. */
  greeting = "";
  readonly #listener: Bun.UnixSocketListener<undefined>;

  /** @param greet what is said to the client's greeting */
  constructor(path: string, answer: (call: BusMessage) => Answer, greet = "DATA\r\nOK 0123\r\n") {
    let received = Buffer.alloc(0);
    this.#listener = Bun.listen<undefined>({
      unix: path,
      socket: {
        open: () => {
          received = Buffer.alloc(0);
          this.greeting = "";
        },
        data: (socket, chunk) => {
          received = Buffer.concat([received, chunk]);
          const end = received.indexOf("BEGIN\r\n");
          if (this.greeting === "" && end < 0) return;
          if (this.greeting === "") {
            this.greeting = received.subarray(0, end + 7).toString("latin1");
            received = received.subarray(end + 7);
            socket.write(greet);
          }
          for (;;) {
            const length = messageLength(received);
            if (length === undefined || received.length < length) return;
            const call = decodeMessage(received.subarray(0, length));
            received = received.subarray(length);
            this.calls.push(call);
            for (const bytes of replies(call, answer(call))) socket.write(bytes);
          }
        },
      },
    });
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
  }
}

function replies({ serial }: BusMessage, answer: Answer): readonly Uint8Array[] {
  if (answer === undefined) return [];
  if ("error" in answer) {
    const header = { errorName: answer.error, replySerial: serial, signature: "s" };
    return [encode(MESSAGE_TYPE.ERROR, { header, body: [answer.text] })];
  }
  const signals = (signal: Signal | undefined) => (signal === undefined ? [] : [encode(MESSAGE_TYPE.SIGNAL, signal)]);
  const header = { replySerial: serial, signature: answer.signature };
  return [
    ...signals(answer.before),
    encode(MESSAGE_TYPE.METHOD_RETURN, { header, body: answer.body }),
    ...signals(answer.after),
  ];
}

function encode(type: number, { header, body }: Signal): Uint8Array {
  return encodeMessage({ type, serial: 1, header, body });
}
