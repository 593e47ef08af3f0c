import { chmodSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { refusal } from "../../testing/metadata.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { parseAddress } from "./call-shim.ts";
import { findShim } from "./shim-command.ts";

describe("findShim()", () => {
  const folder = new TemporaryDirectory();
  const own = { program: "/nowhere/tsrun", name: "containerd-shim-tsrun-v2" };
  const settings = { own, aliases: new Map([["alias", "io.containerd.tsrun.v2"]]), path: ["/nowhere", folder.at(".")] };

  before(() => {
    for (const name of ["containerd-shim-other-v3", "plain"]) {
      writeFileSync(folder.at(name), "");
      chmodSync(folder.at(name), name === "plain" ? 0o644 : 0o755);
    }
  });
  after(() => folder[Symbol.dispose]());

  it("finds the executable of a runtime", () => {
    expect(findShim(settings, "io.containerd.tsrun.v2")).to.equal(own);
    expect(findShim(settings, "alias")).to.equal(own);
    const other = { program: folder.at("containerd-shim-other-v3"), name: "containerd-shim-other-v3" };
    expect(findShim(settings, "a.b.other.v3")).to.deep.equal(other);
    expect(findShim(settings, other.program)).to.deep.equal(other);
  });

  for (const [runtime, code] of [
    ["io.containerd.none.v1", "not_found"],
    ["/nowhere/shim", "not_found"],
    ["", "invalid_argument"],
    ["runc", "invalid_argument"],
    ["a.../x.v1", "invalid_argument"],
    ["a.b/../../x.v2", "invalid_argument"],
  ] as const) {
    it(`refuses ${JSON.stringify(runtime)}`, async () => {
      expect(await refusal(() => findShim(settings, runtime))).to.match(new RegExp(`^${code}: `));
    });
  }

  it("refuses a file that cannot be run", async () => {
    expect(await refusal(() => findShim(settings, folder.at("plain")))).to.match(/^not_found: .* is no executable$/);
  });
});

describe("parseAddress()", () => {
  for (const [text, path] of [
    ["unix:///run/s/1", "/run/s/1"],
    ["unix:///run/s/1\n", "/run/s/1"],
    ["/containerd-shim/1.sock", "\0/containerd-shim/1.sock"],
    ['{"version":2,"address":"unix:///run/s/2","protocol":"ttrpc"}', "/run/s/2"],
  ] as const) {
    it(`takes ${JSON.stringify(text)}`, () => {
      expect(parseAddress(text)).to.equal(path);
    });
  }

  for (const [text, code] of [
    ["", "internal"],
    ["{", "internal"],
    ["{}", "internal"],
    ['{"version":3,"address":"unix:///run/s/2","protocol":"grpc"}', "unimplemented"],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, async () => {
      expect(await refusal(() => parseAddress(text))).to.match(new RegExp(`^${code}: `));
    });
  }
});
