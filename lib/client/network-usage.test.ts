import { expect } from "chai";
import { describe, it } from "mocha";
import { openKernel } from "../linux/kernel.ts";
import { findNetworkUsage, parseNetDev } from "./network-usage.ts";

const TITLES = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
`;

describe("parseNetDev()", () => {
  it("adds up all interfaces but the loopback one", () => {
    const lines = [
      "    lo:     999       9    0    0    0     0          0         0     999       9    0    0    0     0       0          0",
      "  eth0: 1234567    1000    0    0    0     0          0         0  765432     800    0    0    0     0       0          0",
      "eth1:1 2 0 0 0 0 0 0 10 3 0 0 0 0 0 0",
    ];
    const text = `${TITLES}${lines.join("\n")}\n`;
    expect(parseNetDev(text)).to.deep.equal({ receivedBytes: 1_234_568, sentBytes: 765_442 });
  });
  it("finds nothing where there is no interface", () => {
    expect(parseNetDev(TITLES)).to.deep.equal({ receivedBytes: 0, sentBytes: 0 });
  });
});

describe("findNetworkUsage()", () => {
  const kernel = openKernel();
  it("does not count the host's network as a container's", () => {
    expect(findNetworkUsage(kernel, process.pid)).to.equal(undefined);
  });
  it("knows nothing of a process that is gone", () => expect(findNetworkUsage(kernel, 4_194_305)).to.equal(undefined));
});
