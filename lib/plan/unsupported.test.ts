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
    { config: { ...withMounts(BIND), linux: {} }, what: "mounts without a mount namespace" },
    {
      config: { ...CONFIG, linux: {}, root: { path: "rootfs", readonly: true } },
      what: "root.readonly without a mount namespace",
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
      ...withMounts(BIND),
      linux: {},
      root: { path: "rootfs", readonly: true },
    };
    expect(() => refuseUnsupported(both)).to.throw(
      "not supported: mounts without a mount namespace, root.readonly without a mount namespace",
    );
  });

  it("takes what there are steps for", () => {
    expect(() => refuseUnsupported(withMounts(BIND))).to.not.throw();
  });
});
