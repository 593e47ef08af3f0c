import { expect } from "chai";
import { describe, it } from "mocha";
import { sysctlNames } from "./sysctl-key.ts";

describe("sysctlNames()", () => {
  const cases: [string, string[]][] = [
    ["net.ipv4.ip_forward", ["net", "ipv4", "ip_forward"]],
    ["net/ipv4/ip_forward", ["net", "ipv4", "ip_forward"]],
    ["net.ipv4.conf.eno2/100.rp_filter", ["net", "ipv4", "conf", "eno2.100", "rp_filter"]],
    ["net/ipv4/conf/eno2.100/rp_filter", ["net", "ipv4", "conf", "eno2.100", "rp_filter"]],
    ["net", ["net"]],
    ["", [""]],
    ["/net", ["", "net"]],
  ];
  for (const [key, names] of cases) {
    it(`splits ${JSON.stringify(key)}`, () => {
      expect(sysctlNames(key)).to.deep.equal(names);
    });
  }
});
