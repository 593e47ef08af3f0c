import { expect } from "chai";
import { encodeFrame, encodeNumberFrame, encodeSettings, FLAG, FRAME, PREFACE, SETTING } from "./frame.ts";
import { InitialWindow } from "./initial-window.ts";

const WINDOW = SETTING.initialWindowSize;
const headers = (streamId: number, flags: number = FLAG.endHeaders) =>
  encodeFrame({ type: FRAME.headers, flags, streamId, payload: new Uint8Array(3) });
const update = (streamId: number, value: number) => encodeNumberFrame(FRAME.windowUpdate, streamId, value);
const hex = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString("hex");

describe("InitialWindow", () => {
  const begin = [PREFACE, encodeSettings([[WINDOW, 100]]), headers(1), headers(3)];
  for (const [what, sent, seen] of [
    ["the first value as it is", begin, begin],
    [
      "a growth as updates of all that is open",
      [
        ...begin,
        encodeSettings([
          [5, 20_000],
          [WINDOW, 150],
        ]),
        update(3, 7),
      ],
      [...begin, encodeSettings([[5, 20_000]]), update(1, 50), update(3, 50), update(3, 7)],
    ],
    [
      "a growth as an update of what is opened later, behind its headers",
      [
        ...begin,
        encodeSettings([[WINDOW, 150]]),
        headers(5, 0),
        encodeFrame({ type: FRAME.continuation, flags: FLAG.endHeaders, streamId: 5, payload: new Uint8Array(2) }),
      ],
      [
        ...begin,
        encodeSettings([]),
        update(1, 50),
        update(3, 50),
        headers(5, 0),
        encodeFrame({ type: FRAME.continuation, flags: FLAG.endHeaders, streamId: 5, payload: new Uint8Array(2) }),
        update(5, 50),
      ],
    ],
    [
      "nothing for what the client has ended",
      [...begin, encodeNumberFrame(FRAME.rstStream, 1, 8), encodeSettings([[WINDOW, 150]])],
      [...begin, encodeNumberFrame(FRAME.rstStream, 1, 8), encodeSettings([]), update(3, 50)],
    ],
    ["the same value as nothing", [...begin, encodeSettings([[WINDOW, 100]])], [...begin, encodeSettings([])]],
    [
      "less as it is",
      [...begin, encodeSettings([[WINDOW, 50]]), headers(5)],
      [...begin, encodeSettings([[WINDOW, 50]]), headers(5)],
    ],
    [
      "an acknowledgement as it is",
      [...begin, encodeFrame({ type: FRAME.settings, flags: FLAG.ack, streamId: 0, payload: new Uint8Array() })],
      [...begin, encodeFrame({ type: FRAME.settings, flags: FLAG.ack, streamId: 0, payload: new Uint8Array() })],
    ],
  ] as const) {
    for (const size of [1, 5, 10_000]) {
      it(`shows the server ${what}, in chunks of ${size}`, () => {
        const windows = new InitialWindow();
        const bytes = Buffer.concat(sent);
        const out: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size) {
          for (const part of windows.incoming(bytes.subarray(at, at + size))) out.push(part.slice());
        }
        expect(hex(out)).to.equal(hex(seen));
      });
    }
  }

  it("forgets what the server has ended", () => {
    const windows = new InitialWindow();
    windows.incoming(Buffer.concat(begin));
    windows.outgoing(encodeFrame({ type: FRAME.data, flags: FLAG.endStream, streamId: 1, payload: new Uint8Array(9) }));
    const seen = windows.incoming(encodeSettings([[WINDOW, 150]]));
    expect(hex(seen)).to.equal(hex([encodeSettings([]), update(3, 50)]));
  });
});
