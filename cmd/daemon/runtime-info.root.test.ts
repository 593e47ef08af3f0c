import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { failureOf } from "../../lib/testing/failure.ts";
import { requireRoot } from "../../lib/testing/runtime-site.ts";
import { TestSupervisor } from "../../lib/testing/supervisor.ts";
import { TemporaryDirectory } from "../../lib/testing/temporary-directory.ts";
import { containerd } from "../../proto/gen/daemon.js";
import { containerd as shim } from "../../proto/gen/shim.js";

const { PluginInfoRequest, PluginInfoResponse } = containerd.services.introspection.v1;
const { RuntimeRequest } = containerd.types;
const { Options } = containerd.runc.v1;

describe("tsrund, asked what a runtime is", function () {
  this.timeout(60_000);
  let folder: TemporaryDirectory;
  let daemon: TestSupervisor;

  before(async function () {
    requireRoot(this);
    folder = new TemporaryDirectory();
    daemon = new TestSupervisor(folder.at("daemon"));
    await daemon.start();
  });

  after(async () => {
    await daemon.stop();
    folder[Symbol.dispose]();
  });

  const ask = (request: Parameters<typeof RuntimeRequest.encode>[0], type = "io.containerd.runtime.v2") => {
    const options = { typeUrl: "containerd.types.RuntimeRequest", value: RuntimeRequest.encode(request).finish() };
    const messages = [PluginInfoRequest, PluginInfoResponse] as const;
    return daemon.call("introspection.v1.Introspection/PluginInfo", messages, { type, id: "task", options });
  };

  const features = async (request: Parameters<typeof RuntimeRequest.encode>[0]): Promise<unknown> => {
    const { extra } = await ask(request);
    expect(extra?.typeUrl).to.equal("containerd.types.RuntimeInfo");
    const info = shim.types.RuntimeInfo.decode(extra?.value ?? new Uint8Array());
    expect(info.name).to.equal("io.containerd.tsrun.v2");
    return JSON.parse(new TextDecoder().decode(info.features?.value));
  };

  it("passes on what its shim says, also under the name that clients say by themselves", async () => {
    for (const runtimePath of ["io.containerd.tsrun.v2", "io.containerd.runc.v2"]) {
      expect(await features({ runtimePath })).to.include({ ociVersionMin: "1.0.0" });
    }
  });

  it("has the features of the executable that the options name", async () => {
    const program = join(folder.path, "other");
    writeFileSync(program, `#!/bin/sh\n[ "$*" = features ] && echo '{"ociVersionMin":"9.9.9"}'\n`);
    chmodSync(program, 0o755);
    const options = {
      typeUrl: "containerd.runc.v1.Options",
      value: Options.encode({ binaryName: program }).finish(),
    };
    expect(await features({ runtimePath: "io.containerd.runc.v2", options })).to.deep.equal({ ociVersionMin: "9.9.9" });
  });

  it("says which runtime it does not know", async () => {
    const refused = await failureOf(ask({ runtimePath: "io.containerd.none.v1" }));
    expect(refused).to.include({ code: "not_found" });
    expect(String(refused)).to.contain("containerd-shim-none-v1 is not installed");
  });
});
