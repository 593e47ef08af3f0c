import { expect } from "chai";
import { ContainerError } from "../../errors.ts";
import { parseTarget } from "./target.ts";

describe("parseTarget()", () => {
  it("takes a path, and a URI for one", () => {
    expect(parseTarget("/run/fifo/a b%20-stdout")).to.deep.equal({ kind: "path", path: "/run/fifo/a b%20-stdout" });
    expect(parseTarget("fifo:///run/fifo/x")).to.deep.equal({ kind: "path", path: "/run/fifo/x" });
    expect(parseTarget("file:///var/log/a%20b")).to.deep.equal({ kind: "file", path: "/var/log/a b" });
    expect(parseTarget("")).to.deep.equal({ kind: "null" });
  });

  it("takes the arguments of a logger in their order, with empty values left out", () => {
    expect(parseTarget("binary:///bin/log?b=2&a=&b=x%20y")).to.deep.equal({
      kind: "binary",
      path: "/bin/log",
      args: ["b", "2", "a", "b", "x y"],
      needsByte: false,
    });
    expect(parseTarget("binary-v2:///bin/log")).to.include({ kind: "binary", needsByte: true });
  });

  it("refuses other schemes and relative paths", () => {
    for (const text of ["http://host/x", "file://", "binary://", "npipe://./pipe/x", "file://log"]) {
      expect(() => parseTarget(text), text).to.throw(ContainerError, /cannot use/);
    }
  });
});
