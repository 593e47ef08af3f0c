import { expect } from "chai";
import {
  flattenJson,
  mountOrder,
  normaliseDescriptors,
  normaliseKeyring,
  normaliseMountinfo,
  normaliseNamespaces,
  normaliseState,
  normaliseStatus,
  normaliseTable,
  replaceNames,
} from "./normalise.ts";

describe("replaceNames()", () => {
  it("replaces the longest text first", () => {
    const names = [
      ["/tmp/a", "<FOLDER>"],
      ["/tmp/a/bundle", "<BUNDLE>"],
      ["", "<NEVER>"],
    ] as const;
    expect(replaceNames("/tmp/a/bundle/x /tmp/a/y", names)).to.equal("<BUNDLE>/x <FOLDER>/y");
  });
});

describe("normaliseMountinfo()", () => {
  const lines = [
    "500 1 254:0 /roots/x / rw,relatime master:7 - ext4 /dev/vda rw",
    "502 500 0:61 / /proc rw - proc proc rw",
    "501 500 0:60 / /dev rw,nosuid shared:3 master:9 - tmpfs tmpfs rw,size=4k",
  ];

  it("names the parent's place instead of ids, masks numbers, sorts by place", () => {
    expect(normaliseMountinfo(lines)).to.deep.equal([
      "/ on outside: 254:0 root /roots/x rw,relatime [master:*] ext4 /dev/vda rw",
      "/dev on /: 0:* root / rw,nosuid [shared:* master:*] tmpfs tmpfs rw,size=4k",
      "/proc on /: 0:* root / rw [] proc proc rw",
    ]);
  });

  it("is the same for other ids", () => {
    const other = lines.map((line) => line.replace(/^50/, "90").replace(" 500 ", " 900 ").replace("0:6", "0:16"));
    expect(normaliseMountinfo(other)).to.deep.equal(normaliseMountinfo(lines));
  });

  it("keeps the order apart", () => {
    expect(mountOrder(lines)).to.deep.equal(["/", "/proc", "/dev"]);
  });
});

describe("normaliseNamespaces()", () => {
  it("tells known from new ones", () => {
    const known = new Map([["net:[1]", "host"]]);
    expect(normaliseNamespaces(["net:[1]", "uts:[9]"], known)).to.deep.equal(["net host", "uts new"]);
  });
});

describe("normaliseDescriptors()", () => {
  it("drops numbers of pipes, sockets and output files", () => {
    expect(normaliseDescriptors(["0 pipe:[12]", "1 <SCRATCH>/7.stdout", "2 socket:[4]"])).to.deep.equal([
      "0 pipe",
      "1 <SCRATCH>/stdout",
      "2 socket",
    ]);
  });
});

describe("normaliseStatus()", () => {
  it("keeps the 1 of an own pid namespace and masks the rest", () => {
    expect(normaliseStatus(["NSpid:\t4321\t1", "Uid:\t1000\t1000"])).to.deep.equal([
      "NSpid:\t*\t1",
      "Uid:\t1000\t1000",
    ]);
  });
});

describe("normaliseKeyring()", () => {
  it("names the parts", () => {
    expect(normaliseKeyring(["keyring;0;0;3f1b0000;_ses.x"])).to.deep.equal([
      "keyring uid 0 gid 0 permissions 3f1b0000 _ses.x",
    ]);
  });
});

describe("flattenJson()", () => {
  it("gives a line a value, sorted", () => {
    expect(flattenJson('{"b": [1, null], "a": {"c": "x"}}')).to.deep.equal(['a.c = "x"', "b.0 = 1", "b.1 = null"]);
  });

  it("shows what is not JSON", () => {
    expect(flattenJson("oops\n")).to.deep.equal(["not JSON: oops"]);
  });
});

describe("normaliseState()", () => {
  it("masks times and pids but not the pid 0", () => {
    const lines = ['created = "2020-01-02T03:04:05.678Z"', "pid = 12", "0.pid = 0"];
    expect(normaliseState(lines)).to.deep.equal(['created = "<TIME>"', "pid = <PID>", "0.pid = 0"]);
  });
});

describe("normaliseTable()", () => {
  it("splits cells by runs of spaces", () => {
    const table = "ID          PID         CREATED\nx           12          2020-01-02T03:04:05Z   \n";
    expect(normaliseTable(table, 12)).to.deep.equal(["ID | PID | CREATED", "x | <PID> | <TIME>"]);
  });
});
