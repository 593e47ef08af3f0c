import { expect } from "chai";
import { describe, it } from "mocha";
import { findCommand, unknownName } from "./program.ts";

describe("findCommand()", () => {
  const found: readonly (readonly [line: string, name: string, rest: readonly string[]])[] = [
    ["run -d web", "run", ["-d", "web"]],
    ["images", "images ls", []],
    ["image ls -q", "images ls", ["-q"]],
    ["images -q", "images ls", ["-q"]],
    ["image list", "images ls", []],
    ["image rm web", "rmi", ["web"]],
    ["volume", "volumes ls", []],
    ["volume create data", "volumes create", ["data"]],
    ["ns create x", "namespaces create", ["x"]],
    ["container ls -a", "ps", ["-a"]],
    ["container", "ps", []],
    ["container rm web", "rm", ["web"]],
    ["unpause web", "resume", ["web"]],
    ["save web -o file", "export", ["web", "-o", "file"]],
  ];
  for (const [line, name, rest] of found) {
    it(`finds ${line}`, () => {
      const command = findCommand(line.split(" "));
      expect([command?.name, command?.rest]).to.deep.equal([name, rest]);
    });
  }

  for (const [line, name] of [
    ["pss", "pss"],
    ["image inspect web", "images inspect"],
    ["volumes web", "volumes web"],
    ["container fly web", "fly"],
    ["constructor", "constructor"],
    ["images constructor", "images constructor"],
  ] as const) {
    it(`does not find ${line}`, () => {
      expect(findCommand(line.split(" "))).to.equal(undefined);
      expect(unknownName(line.split(" "))).to.equal(name);
    });
  }
});
