import { expect } from "chai";
import { containerd } from "../../../proto/gen/daemon.js";
import { refusal } from "../../testing/metadata.ts";
import { type Envelope, EventBus } from "./event-bus.ts";

const { TaskExit } = containerd.events;

function busAt() {
  let time = 0n;
  const bus = new EventBus(() => ++time);
  const exit = (namespace: string, containerId: string) =>
    bus.tell(namespace, "/tasks/exit", "containerd.events.TaskExit", TaskExit, { containerId, id: "e", exitStatus: 3 });
  return { bus, exit };
}

/** The next `count` events of a subscription. */
async function take(events: AsyncIterable<Envelope>, count: number): Promise<readonly Envelope[]> {
  const seen: Envelope[] = [];
  for await (const envelope of events) {
    seen.push(envelope);
    if (seen.length === count) break;
  }
  return seen;
}

describe("EventBus", () => {
  it("brings events in their order, from the subscription on", async () => {
    const { bus, exit } = busAt();
    exit("n", "before");
    const events = bus.subscribe([], new AbortController().signal);
    for (const id of ["a", "b", "c"]) exit("n", id);
    const seen = await take(events, 3);
    expect(seen.map(({ timeNs }) => timeNs)).to.deep.equal([2n, 3n, 4n]);
    expect(seen.map(({ event }) => TaskExit.decode(event.value).containerId)).to.deep.equal(["a", "b", "c"]);
  });

  it("tells those who come back what has come meanwhile, as long as it waits for them", async () => {
    const { bus, exit } = busAt();
    exit("n", "before");
    const letGo = bus.keep();
    exit("n", "a");
    exit("other", "b");
    const back = bus.subscribe(["namespace==n"], new AbortController().signal);
    const second = bus.subscribe([], new AbortController().signal);
    letGo();
    const late = bus.subscribe([], new AbortController().signal);
    exit("n", "c");
    const idsOf = async (events: AsyncIterable<Envelope>, count: number) =>
      (await take(events, count)).map(({ event }) => TaskExit.decode(event.value).containerId);
    expect(await idsOf(back, 2)).to.deep.equal(["a", "c"]);
    expect(await idsOf(second, 3)).to.deep.equal(["a", "b", "c"]);
    expect(await idsOf(late, 1)).to.deep.equal(["c"]);
  });

  for (const [filter, wanted] of [
    ["namespace==one", ["a"]],
    ["topic~=|^/tasks/|", ["a", "b"]],
    ['topic=="/images/create"', []],
    ["event.container_id==b", ["b"]],
    ["event.id==e,namespace!=one", ["b"]],
    ["event.exit_status==3", []],
    ["event.none", []],
  ] as const) {
    it(`chooses by ${filter}`, async () => {
      const { bus, exit } = busAt();
      const stop = new AbortController();
      const events = bus.subscribe([filter, "topic~=last"], stop.signal);
      exit("one", "a");
      exit("two", "b");
      bus.publish("n", "/last", { typeUrl: "unknown", value: Uint8Array.of(0xff) });
      const seen = await take(events, wanted.length + 1);
      expect(seen.slice(0, -1).map(({ event }) => TaskExit.decode(event.value).containerId)).to.deep.equal(wanted);
      expect(seen.at(-1)?.topic).to.equal("/last");
    });
  }

  it("takes payloads that are none, and matches none of their fields", async () => {
    const { bus } = busAt();
    const events = bus.subscribe(["event.container_id", "topic~=last"], new AbortController().signal);
    bus.publish("n", "/tasks/exit", { typeUrl: "containerd.events.TaskExit", value: Uint8Array.of(0xff, 0xff) });
    bus.publish("n", "/last", { typeUrl: "", value: new Uint8Array() });
    expect((await take(events, 1))[0]?.topic).to.equal("/last");
  });

  it("ends with the signal, and keeps nothing then", async () => {
    const { bus, exit } = busAt();
    const stop = new AbortController();
    const ended = take(bus.subscribe([], stop.signal), 10);
    stop.abort();
    exit("n", "late");
    expect(await ended).to.deep.equal([]);
    expect(await take(bus.subscribe([], stop.signal), 1)).to.deep.equal([]);
  });

  it("tells who is too slow that events were lost", async () => {
    const { bus } = busAt();
    const events = bus.subscribe([], new AbortController().signal);
    for (let n = 0; n <= 65_536; n++) bus.publish("n", "/many", { typeUrl: "", value: new Uint8Array() });
    expect(await refusal(() => take(events, 70_000))).to.match(/^resource_exhausted: events were lost/);
  });

  it("refuses topics and filters", async () => {
    const { bus } = busAt();
    for (const topic of ["", "/", "tasks", "/a b", "//", "/a/"]) {
      const publish = () => bus.publish("n", topic, { typeUrl: "", value: new Uint8Array() });
      expect(await refusal(publish)).to.match(/^invalid_argument: /);
    }
    expect(await refusal(() => bus.subscribe(["topic=="], new AbortController().signal))).to.match(
      /^invalid_argument: /,
    );
  });
});
