import { expect } from "chai";
import { refusal } from "../../testing/metadata.ts";
import { BackOff } from "./back-off.ts";
import { parseRestartLabels } from "./labels.ts";

const parse = (labels: Readonly<Record<string, string>>) =>
  parseRestartLabels(
    new Map(Object.entries(labels).map(([name, value]) => [`containerd.io/restart.${name}`, value] as const)),
  );

describe("parseRestartLabels()", () => {
  it("asks for nothing without a status that can be had", () => {
    expect(parse({})).to.equal(undefined);
    expect(parse({ policy: "always" })).to.equal(undefined);
    expect(parse({ status: "paused" })).to.equal(undefined);
  });

  for (const [labels, afterSuccess, afterFailure] of [
    [{}, true, true],
    [{ policy: "always", "explicitly-stopped": "true" }, true, true],
    [{ policy: "no" }, false, false],
    [{ policy: "on-failure" }, false, true],
    [{ policy: "on-failure:0", count: "7" }, false, true],
    [{ policy: "on-failure:2", count: "1" }, false, true],
    [{ policy: "on-failure:2", count: "2" }, false, false],
    [{ policy: "unless-stopped" }, true, true],
    [{ policy: "unless-stopped", "explicitly-stopped": "true" }, false, false],
    [{ policy: "unless-stopped", "explicitly-stopped": "no" }, true, true],
  ] as const) {
    it(`${JSON.stringify(labels)}: ${afterSuccess} after 0, ${afterFailure} after 3`, () => {
      const wish = parse({ status: "running", ...labels });
      expect([wish?.restartsAfter(0), wish?.restartsAfter(3)]).to.deep.equal([afterSuccess, afterFailure]);
    });
  }

  for (const [labels, output] of [
    [{}, ""],
    [{ logpath: "/var/log/a" }, "file:///var/log/a"],
    [{ loguri: "binary:///bin/log?a=b", logpath: "/x" }, "binary:///bin/log?a=b"],
  ] as const) {
    it(`${JSON.stringify(labels)}: prints to ${JSON.stringify(output)}`, () => {
      expect(parse({ status: "running", ...labels })?.output).to.equal(output);
    });
  }

  for (const labels of [
    ...[{ policy: "on-failure:x" }, { policy: "on-failure:" }, { policy: "on-failure:-1" }, { policy: "always:3" }],
    ...[{ policy: "sometimes" }, { policy: "on-failures" }, { count: "many" }],
  ]) {
    it(`refuses ${JSON.stringify(labels)}`, async () => {
      expect(await refusal(() => parse({ status: "running", ...labels }))).to.match(
        /^invalid_argument: invalid label containerd\.io\/restart\.(policy|count)=.*: must be /,
      );
    });
  }
});

describe("BackOff", () => {
  it("waits twice as long each time, up to a limit, and begins anew after a long run", () => {
    const backOff = new BackOff(10);
    const delays: number[] = [];
    let now = 1000;
    for (let start = 0; start < 8; start++) {
      backOff.note("a", now);
      let delay = 0;
      while (!backOff.isDue("a", now + delay)) delay += 10;
      delays.push(delay);
      now += delay;
    }
    expect(delays).to.deep.equal([10, 20, 40, 80, 160, 300, 300, 300]);
    backOff.note("a", now + 601);
    expect(backOff.isDue("a", now + 611)).to.equal(true);
  });

  it("keeps apart what is of different names, and forgets", () => {
    const backOff = new BackOff(10);
    backOff.note("a", 0);
    expect([backOff.isDue("a", 5), backOff.isDue("b", 5)]).to.deep.equal([false, true]);
    backOff.keep(new Set(["b"]));
    expect(backOff.isDue("a", 5)).to.equal(true);
  });
});
