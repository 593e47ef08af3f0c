import { expect } from "chai";
import { describe, it } from "mocha";
import { ContainerError } from "../errors.ts";
import type { Config, Mount } from "../spec/config.ts";
import { refuseUnsupported } from "./unsupported.ts";

const CONFIG: Config = {
  ociVersion: "1.3.0",
  root: { path: "rootfs" },
  linux: { namespaces: [{ type: "mount" }] },
};
const BIND: Mount = { destination: "/d", source: "/x", options: ["bind"] };

function withMounts(...mounts: readonly Mount[]): Config {
  return { ...CONFIG, mounts };
}

describe("refuseUnsupported()", () => {
  const refused: readonly { readonly config: Config; readonly what: string }[] = [
    { config: withMounts(BIND, { ...BIND, options: ["bind", "idmap"] }), what: "idmap of mounts[1]" },
    { config: withMounts({ ...BIND, options: ["rbind", "ridmap"] }), what: "idmap of mounts[0]" },
    { config: withMounts({ ...BIND, uidMappings: [], gidMappings: [] }), what: "idmap of mounts[0]" },
    { config: { ...withMounts(BIND), linux: {} }, what: "mounts without a mount namespace" },
    {
      config: { ...CONFIG, linux: {}, root: { path: "rootfs", readonly: true } },
      what: "root.readonly without a mount namespace",
    },
    { config: { ...CONFIG, process: { cwd: "/", apparmorProfile: "p" } }, what: "process.apparmorProfile" },
    {
      config: { ...CONFIG, linux: { ...CONFIG.linux, netDevices: { eth0: {} } } },
      what: "linux.netDevices",
    },
  ];
  for (const { config, what } of refused) {
    it(`names ${what}`, () => {
      expect(() => refuseUnsupported(config))
        .to.throw(ContainerError, `cannot create the container: not supported: ${what}`)
        .with.property("code", "unimplemented");
    });
  }

  it("names all at once", () => {
    const both: Config = {
      ...withMounts({ ...BIND, options: ["bind", "idmap"] }),
      process: { cwd: "/", selinuxLabel: "l" },
    };
    expect(() => refuseUnsupported(both)).to.throw("not supported: process.selinuxLabel, idmap of mounts[0]");
  });

  it("takes what there are steps for", () => {
    expect(() => refuseUnsupported(withMounts(BIND))).to.not.throw();
  });
});
