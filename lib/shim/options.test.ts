import { expect } from "chai";
import { containerd, runtimeoptions } from "../../proto/gen/shim.js";
import { ContainerError } from "../errors.ts";
import { openKernel } from "../linux/kernel.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { decodeOptions, readOptions, stateRoot, writeOptions } from "./options.ts";

const RUNC = "containerd.runc.v1.Options";

function decode(typeUrl: string, value: Uint8Array) {
  return decodeOptions({ typeUrl, value });
}

describe("decodeOptions()", () => {
  it("takes runc's options, with or without a prefix of the type", () => {
    const value = containerd.runc.v1.Options.encode({
      binaryName: "crun",
      root: "/run/r",
      systemdCgroup: true,
    }).finish();
    for (const type of [RUNC, `type.googleapis.com/${RUNC}`]) {
      expect(decode(type, value)).to.include({ binaryName: "crun", root: "/run/r", systemdCgroup: true, ioUid: 0 });
    }
  });

  it("takes what ctr sends for a runtime it does not know", () => {
    const value = containerd.linux.runc.CreateOptions.encode({ noPivotRoot: true, ioUid: 5, ioGid: 6 }).finish();
    const expected = { noPivotRoot: true, ioUid: 5, ioGid: 6, binaryName: "" };
    expect(decode("containerd.linux.runc.CreateOptions", value)).to.include(expected);
  });

  it("takes none", () => {
    expect(decodeOptions(null)).to.deep.equal(decode("", new Uint8Array()));
    expect(decode("runtimeoptions.v1.Options", new Uint8Array())).to.include({ root: "" });
  });

  it("refuses what it cannot do, by its type", () => {
    const file = runtimeoptions.v1.Options.encode({ configPath: "/etc/x.toml" }).finish();
    const relative = containerd.runc.v1.Options.encode({ root: "run" }).finish();
    for (const [type, value, why] of [
      ["runtimeoptions.v1.Options", file, /a configuration file is not supported/],
      [RUNC, relative, /root "run" must be an absolute path/],
      [RUNC, Uint8Array.of(0xff), /cannot use the runtime options/],
      ["other.Options", new Uint8Array(), /other.Options: must be containerd.runc.v1.Options/],
    ] as const) {
      expect(() => decode(type, value), type).to.throw(ContainerError, why);
    }
  });
});

describe("writeOptions()", () => {
  it("keeps the options for delete, and only them", () => {
    using folder = new TemporaryDirectory();
    const kernel = openKernel();
    const value = containerd.runc.v1.Options.encode({ root: "/run/r" }).finish();
    const options = decode(RUNC, new Uint8Array([...value, 0xf8, 0x06, 1]));
    writeOptions(kernel, folder.path, options);
    expect(readOptions(kernel, folder.path)).to.deep.equal(options);
    expect(stateRoot(options, "moby")).to.equal("/run/r/moby");
  });

  it("gives the defaults for a bundle without, or with a damaged file", async () => {
    using folder = new TemporaryDirectory();
    expect(readOptions(openKernel(), folder.path)).to.deep.equal(decodeOptions(null));
    await Bun.write(folder.at("options.json"), '{"root":');
    expect(readOptions(openKernel(), folder.path)).to.deep.equal(decodeOptions(null));
    expect(stateRoot(decodeOptions(null), "default")).to.equal("/run/containerd/tsrun/default");
  });
});
