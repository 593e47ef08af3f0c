import { expect } from "chai";
import { SyscallError } from "../errors.ts";
import { FakeKernel } from "../testing/fake-kernel.ts";
import { errnoNumber } from "./constants/errno.ts";
import { NLM_F, NLMSG } from "./constants/netlink.ts";
import { OwnedFd } from "./fd.ts";
import type { KernelArgument } from "./kernel.ts";
import { decodeAttributes, decodeMessages, netlinkRequest } from "./netlink.ts";

function message(type: number, body: readonly number[]): readonly number[] {
  const length = 16 + body.length;
  const padding = new Array<number>((4 - (length % 4)) % 4).fill(0);
  return [length, 0, 0, 0, type, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, ...body, ...padding];
}

function errorMessage(errno: number): readonly number[] {
  return message(NLMSG.NLMSG_ERROR, [...new Uint8Array(new Int32Array([-errno]).buffer)]);
}

/** A kernel whose netlink socket gives these datagrams, one a call. */
function answering(...datagrams: readonly (readonly number[])[]) {
  const rest = [...datagrams];
  const sent: number[][] = [];
  const kernel = new FakeKernel({
    answers: {
      sendto: (_fd, bytes) => {
        sent.push([...(bytes as Uint8Array)]);
        return 0;
      },
      recvfrom: (_fd, buffer: KernelArgument | undefined) => {
        const next = rest.shift();
        if (next === undefined || !(buffer instanceof Uint8Array)) return -errnoNumber("EAGAIN");
        buffer.set(next);
        return next.length;
      },
    },
  });
  return { kernel, sent, socket: new OwnedFd(kernel, 9) };
}

const LINK = {
  type: 18,
  flags: 0,
  header: Uint8Array.of(1, 2, 3, 4),
  attributes: [{ type: 3, value: Uint8Array.of(7, 8, 0) }],
};

describe("netlinkRequest()", () => {
  it("sends header, structure and aligned attributes, and asks for an acknowledgement", () => {
    const { kernel, sent, socket } = answering(errorMessage(0));
    expect(netlinkRequest(kernel, socket, LINK, { doing: "look" })).to.deep.equal([]);
    expect(sent).to.deep.equal([
      [28, 0, 0, 0, 18, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 7, 0, 3, 0, 7, 8, 0, 0],
    ]);
  });

  it("gives what comes before the acknowledgement", () => {
    const { kernel, socket } = answering(message(16, [9]), errorMessage(0));
    const answer = netlinkRequest(kernel, socket, LINK, { doing: "look" });
    expect(answer.map(({ type, body }) => [type, [...body]])).to.deep.equal([[16, [9]]]);
  });

  it("reads a dump to its end, over several datagrams", () => {
    const { kernel, sent, socket } = answering(
      [...message(20, [1]), ...message(20, [2])],
      message(20, [3]),
      message(NLMSG.NLMSG_DONE, [0, 0, 0, 0]),
    );
    const dump = { type: 22, flags: NLM_F.NLM_F_DUMP, header: new Uint8Array(8) };
    expect(netlinkRequest(kernel, socket, dump, { doing: "list" }).map(({ body }) => [...body])).to.deep.equal([
      [1],
      [2],
      [3],
    ]);
    expect(sent[0]?.slice(6, 8)).to.deep.equal([1, 3]);
  });

  it("throws the errno that the kernel answers", () => {
    const { kernel, socket } = answering(errorMessage(errnoNumber("ENODEV")));
    expect(() => netlinkRequest(kernel, socket, LINK, { doing: "look for eth0" })).to.throw(
      SyscallError,
      "cannot look for eth0: no such device (ENODEV)",
    );
  });
});

describe("decodeMessages()", () => {
  for (const [name, bytes] of [
    ["is shorter than a header", [1, 2, 3]],
    ["claims to be longer than it is", [99, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["claims to have no length", new Array<number>(16).fill(0)],
  ] as const) {
    it(`leaves out what ${name}`, () => expect(decodeMessages(Uint8Array.from(bytes))).to.deep.equal([]));
  }
});

describe("decodeAttributes()", () => {
  it("reads them after the structure, and stops at one that is cut off", () => {
    const body = Uint8Array.of(0, 0, 0, 0, 6, 0, 1, 0, 5, 6, 0, 0, 9, 0, 2, 0, 1);
    expect([...decodeAttributes(body, 4)]).to.deep.equal([[1, Uint8Array.of(5, 6)]]);
  });
});
