import { expect } from "chai";
import { describe, it } from "mocha";
import { placesOf } from "./injection.ts";

describe("placesOf()", () => {
  it("has each call as often as one process makes it, without the engine's own", () => {
    const trace = [
      '10 openat(AT_FDCWD, "/a", O_RDONLY) = 3',
      "10 mmap(NULL, 4096) = 0x7f",
      "11 read(3,  <unfinished ...>",
      "10 close(3) = 0",
      '10 write(6, "\\1\\0\\0\\0\\0\\0\\0\\0", 8) = 8',
      '10 write(1, "\\1", 1) = 1',
      '10 write(1, "\\2", 1) = 1',
      '10 write(1, "\\3", 1) = 1',
      '11 <... read resumed>"x", 1) = 1',
      '11 openat(AT_FDCWD, "/b", O_RDONLY) = 3',
      '11 openat(AT_FDCWD, "/c", O_RDONLY) = 4',
      "10 +++ exited with 0 +++",
      "",
    ];
    expect(placesOf(trace.join("\n"))).to.deep.equal([
      { call: "openat", nth: 1 },
      { call: "openat", nth: 2 },
      { call: "close", nth: 1 },
      { call: "write", nth: 4 },
      { call: "read", nth: 1 },
    ]);
  });
});
