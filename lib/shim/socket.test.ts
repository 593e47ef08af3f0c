import { expect } from "chai";
import { ContainerError } from "../errors.ts";
import { openKernel } from "../linux/kernel.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { claimSocket, groupOf, isServed, socketPath } from "./socket.ts";

describe("socketPath()", () => {
  it("is the one that containerd's own shim has", () => {
    // printf /run/containerd/containerd.sock/default/web | sha256sum
    const digest = "2cde4450fa38c74f53603e01d2afd903b315a27a596f12a151414cd59897d883";
    const path = socketPath({ address: "/run/containerd/containerd.sock", namespace: "default", id: "web" });
    expect(path).to.equal(`/run/containerd/s/${digest}`);
  });

  it("does not depend on how the address is written", () => {
    const parts = { namespace: "n", id: "i" };
    expect(socketPath({ ...parts, address: "/run//x.sock/" })).to.equal(
      socketPath({ ...parts, address: "/run/x.sock" }),
    );
  });
});

describe("claimSocket()", () => {
  const kernel = openKernel();
  /** Somebody who listens on a socket until a connection comes, and then ends, or asks and answers. */
  const listen = async (path: string, then: "end" | "answer") => {
    const source = `
      require("node:net").createServer((socket) => {
        if (${JSON.stringify(then)} === "end") process.kill(process.pid, "SIGKILL");
        socket.on("data", () => socket.write("so"));
      }).listen(${JSON.stringify(path)}, () => process.stdout.write("ready"));`;
    const child = Bun.spawn({ cmd: [process.execPath, "-e", source], stdio: ["ignore", "pipe", "inherit"] });
    await child.stdout.getReader().read();
    return child;
  };

  it("takes the place of a shim that ends when somebody comes, and leaves that of one that answers", async () => {
    using folder = new TemporaryDirectory();
    const ending = await listen(folder.at("ending"), "end");
    using socket = claimSocket(kernel, folder.at("ending"));
    expect(socket).not.to.equal(undefined);
    expect(await ending.exited).to.equal(137);
    const living = await listen(folder.at("living"), "answer");
    expect(claimSocket(kernel, folder.at("living"))).to.equal(undefined);
    expect(isServed(kernel, folder.at("living"))).to.equal(true);
    living.kill("SIGKILL");
    await living.exited;
    expect(isServed(kernel, folder.at("living"))).to.equal(false);
    using second = claimSocket(kernel, folder.at("living"));
    expect(second).not.to.equal(undefined);
  });
});

describe("groupOf()", () => {
  const group = async (config: string): Promise<string> => {
    using folder = new TemporaryDirectory();
    await Bun.write(folder.at("config.json"), config);
    return groupOf(openKernel(), folder.path, "own");
  };

  it("is the first of the two annotations, else the container's own id", async () => {
    const both = { "io.kubernetes.cri.sandbox-id": "pod", "io.containerd.runc.v2.group": "g" };
    expect(await group(JSON.stringify({ annotations: both }))).to.equal("g");
    expect(await group('{"annotations":{"io.kubernetes.cri.sandbox-id":"pod"}}')).to.equal("pod");
    for (const config of [
      "{}",
      '{"annotations":null}',
      '{"annotations":{"io.containerd.runc.v2.group":""}}',
      "[]",
      "1",
    ]) {
      expect(await group(config), config).to.equal("own");
    }
  });

  it("refuses a config that is no JSON", async () => {
    using folder = new TemporaryDirectory();
    await Bun.write(folder.at("config.json"), "{");
    expect(() => groupOf(openKernel(), folder.path, "own")).to.throw(ContainerError, /cannot parse/);
  });
});
