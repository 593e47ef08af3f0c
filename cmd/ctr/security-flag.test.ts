import { expect } from "chai";
import { describe, it } from "mocha";
import { isLoaded } from "./security.ts";
import { parseSecurity } from "./security-flag.ts";

const NONE = { noNewPrivileges: false, seccomp: undefined, apparmor: undefined, mask: [], unmask: [] };

describe("parseSecurity()", () => {
  const good: readonly (readonly [entries: readonly string[], changed: object])[] = [
    [[], {}],
    [["no-new-privileges"], { noNewPrivileges: true }],
    [["no-new-privileges:true"], { noNewPrivileges: true }],
    [["no-new-privileges=true", "no-new-privileges=false"], {}],
    [["seccomp=unconfined"], { seccomp: "unconfined" }],
    [["seccomp=builtin"], { seccomp: "builtin" }],
    [["seccomp:./a=b.json"], { seccomp: { file: "./a=b.json" } }],
    [["apparmor=web"], { apparmor: "web" }],
    [["label=disable"], {}],
    [["mask=/proc/a:/proc/b", "mask=/sys/c"], { mask: ["/proc/a", "/proc/b", "/sys/c"] }],
    [["unmask=/proc/acpi"], { unmask: ["/proc/acpi"] }],
    [["unmask=ALL", "unmask=/proc/acpi"], { unmask: "all" }],
    [["systempaths=unconfined"], { unmask: "all" }],
  ];
  for (const [entries, changed] of good) {
    it(`reads ${entries.join(" ") || "nothing"}`, () => {
      expect(parseSecurity(entries)).to.deep.equal({ ...NONE, ...changed });
    });
  }
  for (const [entry, why] of [
    ["", "must be one of no-new-privileges, seccomp"],
    ["secomp=unconfined", "must be one of no-new-privileges, seccomp"],
    ["constructor=x", "must be one of no-new-privileges, seccomp"],
    ["no-new-privileges=maybe", "must be true or false"],
    ["seccomp", "must be unconfined, builtin or the file of a profile"],
    ["apparmor=", "must be unconfined or the name of a profile"],
    ["label=type:svirt_t", "no SELinux labels are set"],
    ["mask=proc", "must be absolute paths"],
    ["unmask=", "must be ALL, or absolute paths"],
    ["systempaths=confined", "must be unconfined"],
  ] as const) {
    it(`refuses ${JSON.stringify(entry)}`, () => {
      expect(() => parseSecurity([entry])).to.throw(`--security-opt ${entry}: `);
      expect(() => parseSecurity([entry])).to.throw(why);
    });
  }
});

describe("isLoaded()", () => {
  const profiles = "docker-default (enforce)\n/usr/bin/man (complain)\nsnap (x) (enforce)\n";
  for (const [name, expected] of [
    ["docker-default", true],
    ["/usr/bin/man", true],
    ["snap (x)", true],
    ["unconfined", true],
    ["docker", false],
    ["snap", false],
  ] as const) {
    it(`${expected ? "finds" : "does not find"} ${JSON.stringify(name)}`, () => {
      expect(isLoaded(profiles, name)).to.equal(expected);
    });
  }
});
