import { expect } from "chai";
import { socketsOf } from "./address.ts";

describe("socketsOf()", () => {
  const cases: readonly (readonly [addresses: string, sockets: readonly string[]])[] = [
    ["unix:path=/run/user/1000/bus", ["/run/user/1000/bus"]],
    ["unix:path=/a%20b,guid=00ff", ["/a b"]],
    ["unix:abstract=/tmp/dbus-x,guid=1", ["\0/tmp/dbus-x"]],
    ["tcp:host=localhost,port=1;unix:path=/x", ["/x"]],
    ["unix:tmpdir=/tmp", []],
    ["", []],
    ["nonsense", []],
  ];
  for (const [addresses, sockets] of cases) {
    it(JSON.stringify(addresses), () => {
      expect(socketsOf(addresses)).to.deep.equal(sockets);
    });
  }
});
