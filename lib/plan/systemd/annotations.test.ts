import { expect } from "chai";
import { annotatedProperties } from "./annotations.ts";

const PREFIX = "org.systemd.property.";

describe("annotatedProperties()", () => {
  const ask = (name: string, text: string) => annotatedProperties({ "org.other": "x", [`${PREFIX}${name}`]: text });

  it("gives each its type, and where it comes from", () => {
    expect(ask("CollectMode", "'inactive-or-failed'")).to.deep.equal([
      {
        name: "CollectMode",
        signature: "s",
        value: "inactive-or-failed",
        from: "/annotations/org.systemd.property.CollectMode",
      },
    ]);
  });

  const seconds: readonly (readonly [text: string, value: bigint])[] = [
    ["5", 5_000_000n],
    ["uint64 7", 7_000_000n],
    ["1.5", 1_500_000n],
    ["0", 0n],
  ];
  for (const [text, value] of seconds) {
    it(`takes ${text} seconds for microseconds`, () => {
      const [property] = ask("TimeoutStopSec", text);
      expect(property).to.include({ name: "TimeoutStopUSec", signature: "t", value });
    });
  }

  it("leaves microseconds as they are", () => {
    expect(ask("TimeoutStopUSec", "uint64 7")[0]).to.include({ name: "TimeoutStopUSec", value: 7n });
  });

  const wrong: readonly (readonly [name: string, text: string, why: string])[] = [
    ["BindsTo", "['x.service']", "it is not among the properties that an annotation may set"],
    ["OnFailure", "['x.service']", "it is not among"],
    ["FailureAction", "'reboot'", "it is not among"],
    ["PIDs", "@au [1]", "it is not among"],
    ["Slice", "'x.slice'", "it is not among"],
    ["Delegate", "false", "it is not among"],
    ["DeviceAllow", "[('/dev/sda', 'rwm')]", "it is not among"],
    ["BPFProgram", "'x'", "it is not among"],
    ["", "1", "it is not among"],
    ["toString", "1", "it is not among"],
    ["KillSignal", "TERM", "it is no GVariant text"],
    ["TimeoutStopSec", "-1", "it must be a number of seconds"],
    ["TimeoutStopSec", "'5'", "it must be a number of seconds"],
    ["TimeoutStopSec", "uint64 18446744073709551615", "it must be a number of seconds"],
  ];
  for (const [name, text, why] of wrong) {
    it(`refuses ${name}=${text}`, () => {
      const message = `cannot apply the annotation ${PREFIX}${name}=${JSON.stringify(text)}: ${why}`;
      expect(() => ask(name, text)).to.throw(message);
    });
  }
});
