import { expect } from "chai";
import { containerd } from "../../../proto/gen/daemon.js";
import { failureOf } from "../../testing/failure.ts";
import { KnownState } from "./known-state.ts";

const { PAUSED, RUNNING, STOPPED } = containerd.v1.types.Status;
const { StateResponse } = containerd.task.v2;
const stateOf = (status: number) => StateResponse.decode(StateResponse.encode({ id: "a", pid: 7, status }).finish());
const ALIVE = (pid: number) => pid === 7;
const GONE = () => false;

describe("KnownState", () => {
  const asked = async (status: number) => {
    const known = new KnownState();
    await known.ask(async () => await Promise.resolve(stateOf(status)));
    return known;
  };

  it("knows nothing that nobody has asked for", () => {
    expect(new KnownState().find(ALIVE)).to.equal(undefined);
  });

  it("knows how a process is while it lives, and for ever how it has ended", async () => {
    for (const status of [RUNNING, PAUSED]) {
      const known = await asked(status);
      expect(known.find(ALIVE)).to.include({ status, pid: 7 });
      expect(known.find(GONE)).to.equal(undefined);
    }
    expect((await asked(STOPPED)).find(GONE)).to.include({ status: STOPPED });
  });

  it("forgets it when something changes, also while the question is on its way", async () => {
    const known = await asked(RUNNING);
    known.change();
    expect(known.find(ALIVE)).to.equal(undefined);
    const answer = Promise.withResolvers<ReturnType<typeof stateOf>>();
    const asking = known.ask(() => answer.promise);
    known.change();
    answer.resolve(stateOf(RUNNING));
    expect(await asking).to.include({ status: RUNNING });
    expect(known.find(ALIVE)).to.equal(undefined);
  });

  it("keeps no failure", async () => {
    const known = new KnownState();
    const asking = known.ask(() => Promise.reject(new Error("no")));
    expect(String(await failureOf(asking))).to.equal("Error: no");
    expect(known.find(ALIVE)).to.equal(undefined);
  });
});
