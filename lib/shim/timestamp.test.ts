import { expect } from "chai";
import { google } from "../../proto/gen/shim.js";
import { NEVER, toTimestamp } from "./timestamp.ts";

describe("toTimestamp()", () => {
  it("splits milliseconds into seconds and nanoseconds", () => {
    expect(toTimestamp(1_700_000_000_123)).to.deep.equal({ seconds: 1_700_000_000, nanos: 123_000_000 });
    expect(toTimestamp(0)).to.deep.equal({ seconds: 0, nanos: 0 });
  });

  it("gives Go's zero time as Go writes it: a negative number in ten bytes", () => {
    const bytes = google.protobuf.Timestamp.encode(NEVER).finish();
    expect(Buffer.from(bytes).toString("hex")).to.match(/^088092b8c398feffffff01/);
  });
});
