import { expect } from "chai";
import { renderList } from "./list.ts";

const WEB = {
  ociVersion: "1.3.0",
  id: "web",
  pid: 4711,
  status: "running",
  bundle: "/var/lib/containers/bundles/web",
  rootfs: "/var/lib/containers/bundles/web/rootfs",
  created: "2026-11-20T23:24:58.123456789Z",
  owner: "root",
} as const;

const OLD = { ...WEB, id: "a-much-longer-name", pid: 0, status: "stopped", annotations: { b: "<2>", a: "1" } } as const;

describe("renderList()", () => {
  it("prints the head of an empty table as runc does", () => {
    expect(renderList([], { format: "table", quiet: false })).to.equal(
      "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n",
    );
  });

  it("pads each column to its longest cell and three spaces", () => {
    expect(renderList([WEB, OLD], { format: "table", quiet: false })).to.equal(
      [
        "ID                   PID         STATUS      BUNDLE                            CREATED                          OWNER",
        "web                  4711        running     /var/lib/containers/bundles/web   2026-11-20T23:24:58.123456789Z   root",
        "a-much-longer-name   0           stopped     /var/lib/containers/bundles/web   2026-11-20T23:24:58.123456789Z   root",
        "",
      ].join("\n"),
    );
  });

  it("prints JSON in runc's field order, sorted annotations, HTML escaped", () => {
    expect(renderList([OLD], { format: "json", quiet: false })).to.equal(
      '[{"ociVersion":"1.3.0","id":"a-much-longer-name","pid":0,"status":"stopped",' +
        '"bundle":"/var/lib/containers/bundles/web","rootfs":"/var/lib/containers/bundles/web/rootfs",' +
        '"created":"2026-11-20T23:24:58.123456789Z","annotations":{"a":"1","b":"\\u003c2\\u003e"},"owner":"root"}]\n',
    );
  });

  it("prints null for no containers, as Go does", () => {
    expect(renderList([], { format: "json", quiet: false })).to.equal("null\n");
  });

  it("prints ids only when quiet", () => {
    expect(renderList([WEB, OLD], { format: "json", quiet: true })).to.equal("web\na-much-longer-name\n");
  });
});
