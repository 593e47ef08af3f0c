import { expect } from "chai";
import { containerd, google } from "../../proto/gen/shim.js";
import { decodeBootstrap } from "./bootstrap.ts";

const value = containerd.runc.v1.Options.encode({ shimCgroup: "/shims" }).finish();
const options = { typeUrl: "containerd.runc.v1.Options", value };
const { BootstrapParams } = containerd.runtime.bootstrap.v1;

describe("decodeBootstrap()", () => {
  it("takes the options of containerd up to 2.2", () => {
    expect(decodeBootstrap(google.protobuf.Any.encode(options).finish())).to.deep.equal({
      shimCgroup: "/shims",
      socketDirectory: "",
    });
  });

  it("takes the parameters of containerd from 2.3 on", () => {
    const input = { instanceId: "web.1", namespace: "default", socketDir: "/run/s", extensions: [{ value: options }] };
    expect(decodeBootstrap(BootstrapParams.encode(input).finish())).to.deep.equal({
      shimCgroup: "/shims",
      socketDirectory: "/run/s",
    });
  });

  it("takes nothing, and options of another kind", () => {
    const nothing = { shimCgroup: "", socketDirectory: "" };
    expect(decodeBootstrap(new Uint8Array())).to.deep.equal(nothing);
    const other = google.protobuf.Any.encode({ typeUrl: "runtimeoptions.v1.Options", value }).finish();
    expect(decodeBootstrap(other)).to.deep.equal(nothing);
    expect(decodeBootstrap(BootstrapParams.encode({ instanceId: "web" }).finish())).to.deep.equal(nothing);
  });

  it("refuses what is neither", () => {
    expect(() => decodeBootstrap(Uint8Array.of(255, 255))).to.throw(Error);
  });
});
