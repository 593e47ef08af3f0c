import { expect } from "chai";
import { describe, it } from "mocha";
import { resolveUser } from "./user.ts";

const FILES = {
  passwd: "root:x:0:0:root:/root:/bin/sh\n# a remark\nbroken\nweb:x:1000:1001::/srv:/bin/sh\n42:x:7:8::/:/bin/sh\n",
  group: "root:x:0:\nwheel:x:10:root,web\nweb:x:1001:web\naudio:x:29:web\n99:x:5:\n",
};

describe("resolveUser()", () => {
  const cases: readonly (readonly [wanted: string, user: object])[] = [
    ["", { uid: 0, gid: 0, additionalGids: [10] }],
    ["root", { uid: 0, gid: 0, additionalGids: [10] }],
    ["web", { uid: 1000, gid: 1001, additionalGids: [10, 29] }],
    ["1000", { uid: 1000, gid: 1001, additionalGids: [10, 29] }],
    ["web:audio", { uid: 1000, gid: 29 }],
    ["web:", { uid: 1000, gid: 1001, additionalGids: [10, 29] }],
    ["1234", { uid: 1234, gid: 0 }],
    ["1234:5678", { uid: 1234, gid: 5678 }],
    [":audio", { uid: 0, gid: 29 }],
    // A name of digits is a name first.
    ["42", { uid: 7, gid: 8 }],
    ["web:99", { uid: 1000, gid: 5 }],
  ];
  for (const [wanted, user] of cases) {
    it(`resolves "${wanted}"`, () => expect(resolveUser(wanted, FILES)).to.deep.equal(user));
  }

  it("needs no files for numbers", () => {
    expect(resolveUser("5:6", { passwd: undefined, group: undefined })).to.deep.equal({ uid: 5, gid: 6 });
    expect(resolveUser("", { passwd: undefined, group: undefined })).to.deep.equal({ uid: 0, gid: 0 });
  });

  for (const [wanted, why] of [
    ["nobody", "cannot find user nobody: /etc/passwd of the image does not name it"],
    ["web:nobody", "cannot find group nobody: /etc/group of the image does not name it"],
    ["4294967295", "cannot use user 4294967295: ids go up to 4294967294"],
    ["0:99999999999", "cannot use group 99999999999"],
    ["-1", "cannot find user -1"],
  ] as const) {
    it(`refuses "${wanted}"`, () => expect(() => resolveUser(wanted, FILES)).to.throw(why));
  }

  it("says when there is no file to look in", () => {
    expect(() => resolveUser("web", { passwd: undefined, group: undefined })).to.throw(
      "cannot find user web: the image has no /etc/passwd that can be read",
    );
  });
});
