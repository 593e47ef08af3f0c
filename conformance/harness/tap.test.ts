import { expect } from "chai";
import { describe, it } from "mocha";
import { parseTap } from "./tap.ts";

describe("parseTap()", () => {
  it("reads what bats writes", () => {
    const text =
      "1..3\r\nok 1 runc create\r\nnot ok 2 help [x]\r\n# (in test)\r\n# lines\r\nok 3 a # skip test requires systemd\r\n";
    expect(parseTap(text)).to.deep.equal([
      { name: "runc create", verdict: "passed", why: "", details: [] },
      { name: "help [x]", verdict: "failed", why: "", details: ["(in test)", "lines"] },
      { name: "a", verdict: "skipped", why: "test requires systemd", details: [] },
    ]);
  });

  it("reads what crun's tests write", () => {
    expect(parseTap("1..2\nok 1 - pid\nsomething\nok 2 - user #SKIP\nnot ok 3 - x\n")).to.deep.equal([
      { name: "pid", verdict: "passed", why: "", details: [] },
      { name: "user", verdict: "skipped", why: "", details: [] },
      { name: "x", verdict: "failed", why: "", details: [] },
    ]);
  });

  it("reads results without number or name, and what is still to do", () => {
    const text = "ok\nnot ok\nnot ok 3 - later # TODO not there yet\nok 4 # TODO\nokay\n    ok 1 - of a subtest\n";
    expect(parseTap(text)).to.deep.equal([
      { name: "", verdict: "passed", why: "", details: [] },
      { name: "", verdict: "failed", why: "", details: [] },
      { name: "later", verdict: "skipped", why: "not there yet", details: [] },
      { name: "", verdict: "passed", why: "", details: [] },
    ]);
  });

  it("does not take a number sign in a name for a skip", () => {
    expect(parseTap("ok 1 issue #12 is mended")).to.deep.equal([
      { name: "issue #12 is mended", verdict: "passed", why: "", details: [] },
    ]);
  });
});
