import { expect } from "chai";
import { containerd } from "../../proto/gen/shim.js";
import { ContainerError } from "../errors.ts";
import { openKernel } from "../linux/kernel.ts";
import { listenStream } from "../linux/socket.ts";
import { type Method, serve } from "../rpc/ttrpc/server.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { taskEvent } from "./events.ts";
import { Publisher } from "./publisher.ts";

const SERVICE = "containerd.services.events.ttrpc.v1.Events";

/** containerd's side: takes events, or refuses them. */
function listen(path: string, forward: Method): { stop(): void } {
  const listener = listenStream(openKernel(), path);
  if (typeof listener === "number") throw new Error(`cannot listen: ${listener}`);
  return serve(listener.release(), new Map([[SERVICE, new Map([["Forward", forward]])]]));
}

function pidOf(payload: Uint8Array): number {
  const { envelope } = containerd.services.events.ttrpc.v1.ForwardRequest.decode(payload);
  return containerd.events.TaskStart.decode(envelope?.event?.value ?? new Uint8Array()).pid;
}

const event = (pid: number) => taskEvent("TaskStart", { containerId: "c", pid });
const NOTHING = new Uint8Array();

describe("Publisher", () => {
  it("brings events in their order, however long one takes", async () => {
    using folder = new TemporaryDirectory();
    const seen: number[] = [];
    const server = listen(folder.at("s"), async (payload, { metadata }) => {
      await new Promise((resolve) => setTimeout(resolve, pidOf(payload) % 3));
      seen.push(pidOf(payload));
      expect(metadata.get("containerd-namespace-ttrpc")).to.equal("ns");
      return NOTHING;
    });
    const publisher = new Publisher(folder.at("s"), "ns", () => undefined);
    const pids = Array.from({ length: 30 }, (_, index) => index);
    for (const pid of pids) publisher.publish(event(pid));
    await publisher.flush(5_000);
    server.stop();
    expect(seen).to.deep.equal(pids);
  });

  it("keeps events while nobody listens, and brings each once", async () => {
    using folder = new TemporaryDirectory();
    const publisher = new Publisher(folder.at("s"), "ns", () => undefined);
    for (const pid of [1, 2, 3]) publisher.publish(event(pid));
    await publisher.flush(100);
    const seen: number[] = [];
    const server = listen(folder.at("s"), (payload) => {
      seen.push(pidOf(payload));
      return Promise.resolve(NOTHING);
    });
    await publisher.flush(5_000);
    server.stop();
    expect(seen).to.deep.equal([1, 2, 3]);
  });

  it("gives an event up that is refused again and again, says so, and goes on", async () => {
    using folder = new TemporaryDirectory();
    const warnings: string[] = [];
    const seen: number[] = [];
    const server = listen(folder.at("s"), (payload) => {
      if (pidOf(payload) === 1) return Promise.reject(new ContainerError("invalid_argument", "not that one"));
      seen.push(pidOf(payload));
      return Promise.resolve(NOTHING);
    });
    const publisher = new Publisher(folder.at("s"), "ns", (message) => warnings.push(message));
    for (const pid of [1, 2]) publisher.publish(event(pid));
    await publisher.flush(5_000);
    server.stop();
    expect({ seen, warnings }).to.deep.equal({
      seen: [2],
      warnings: ["containerd does not take an event: not that one"],
    });
  });

  it("loses the oldest when there are too many, and says so", () => {
    const warnings: string[] = [];
    const publisher = new Publisher("/missing/socket", "ns", (message) => warnings.push(message));
    for (let pid = 0; pid < 8_193; pid++) publisher.publish(event(pid));
    expect(warnings).to.deep.equal(["more than 8192 events wait for containerd: the oldest is lost"]);
  });

  it("tells nobody without an address", async () => {
    const publisher = new Publisher("", "ns", () => undefined);
    publisher.publish(event(1));
    const begin = performance.now();
    await publisher.flush(5_000);
    expect(performance.now() - begin).to.be.lessThan(1_000);
  });
});
