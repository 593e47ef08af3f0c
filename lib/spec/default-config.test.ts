import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { defaultConfig, stringifyConfig } from "./default-config.ts";
import { parseConfig } from "./parse-config.ts";

/**
 * What `runc spec` 1.1.5 wrote, changed where the current runc differs (no ambient capabilities, another version) and where
 * tsrun does: it masks the power meter.
 */
function runcSpec(name: string): string {
  return readFileSync(join(import.meta.dirname, "testdata", name), "utf8")
    .replace(/,\n\t\t\t"ambient": \[[^\]]*\]/, "")
    .replace(/(\t+)"\/sys\/firmware",/, '$1"/sys/devices/virtual/powercap",\n$&')
    .replace('"ociVersion": "1.0.2-dev"', '"ociVersion": "1.3.0"');
}

describe("defaultConfig()", () => {
  const user = { uid: 0, gid: 0, cgroupMode: "hybrid" } as const;

  it("is what runc spec writes, to the byte", () => {
    expect(stringifyConfig(defaultConfig({ ...user, rootless: false }))).to.equal(runcSpec("runc-1.1.5-spec.json"));
  });
  it("is what runc spec --rootless writes, to the byte", () => {
    expect(stringifyConfig(defaultConfig({ ...user, rootless: true }))).to.equal(
      runcSpec("runc-1.1.5-spec-rootless.json"),
    );
  });
  it("maps the caller to the root of a rootless container", () => {
    const { linux } = defaultConfig({ rootless: true, uid: 1000, gid: 100, cgroupMode: "unified" });
    expect(linux?.uidMappings).to.deep.equal([{ containerID: 0, hostID: 1000, size: 1 }]);
    expect(linux?.gidMappings).to.deep.equal([{ containerID: 0, hostID: 100, size: 1 }]);
  });
  for (const rootless of [false, true]) {
    for (const cgroupMode of ["legacy", "hybrid", "unified"] as const) {
      it(`is valid: ${rootless ? "rootless" : "root"}, ${cgroupMode}`, () => {
        const config = defaultConfig({ ...user, rootless, cgroupMode });
        const { config: parsed, warnings } = parseConfig(stringifyConfig(config));
        expect({ parsed, warnings }).to.deep.equal({ parsed: config, warnings: [] });
        const types = config.linux?.namespaces?.map(({ type }) => type) ?? [];
        expect(types.includes("cgroup")).to.equal(cgroupMode === "unified");
        expect(types.includes("user")).to.equal(rootless);
      });
    }
  }
});
