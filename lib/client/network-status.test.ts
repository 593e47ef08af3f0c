import { expect } from "chai";
import { describe, it } from "mocha";
import { containerd } from "../../proto/gen/daemon.js";
import { hostAddress, readNetworkStatus } from "./network-status.ts";

const { Container } = containerd.services.containers.v1;

function containerWith(text: string) {
  const extension = { typeUrl: "x", value: new TextEncoder().encode(text) };
  return Container.decode(Container.encode({ extensions: { "tsrun.dev/network": extension } }).finish());
}

describe("readNetworkStatus()", () => {
  const port = { hostPort: 8080, containerPort: 80, protocol: "tcp", hostIP: "" };

  it("reads what the daemon says, and takes what is not said for nothing", () => {
    const status = { networks: [{ name: "bridge" }], ports: [port] };
    expect(readNetworkStatus(containerWith(JSON.stringify(status)))).to.deep.equal(status);
    expect(readNetworkStatus(containerWith("{}"))).to.deep.equal({ networks: [], ports: [] });
    expect(readNetworkStatus(containerWith("null"))).to.deep.equal({ networks: [], ports: [] });
    expect(readNetworkStatus(containerWith("{"))).to.equal(undefined);
    expect(readNetworkStatus(Container.decode(new Uint8Array()))).to.equal(undefined);
  });

  it("writes addresses as people do", () => {
    expect(hostAddress(port)).to.equal("0.0.0.0:8080");
    expect(hostAddress({ ...port, hostIP: "::1" })).to.equal("[::1]:8080");
  });
});
