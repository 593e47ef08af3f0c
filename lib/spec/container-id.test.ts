import { expect } from "chai";
import { describe, it } from "mocha";
import { ContainerError } from "../errors.ts";
import { parseContainerId } from "./container-id.ts";

describe("parseContainerId()", () => {
  for (const id of ["a", "A_z+0.9-", "..a", "-a", "x".repeat(255)]) {
    it(`takes ${id.slice(0, 20)}`, () => {
      expect(parseContainerId(id)).to.equal(id);
    });
  }
  for (const id of ["", ".", "..", "a/b", "a b", "a\n", "ä", "a\0", "x".repeat(256)]) {
    it(`refuses ${JSON.stringify(id).slice(0, 20)}`, () => {
      expect(() => parseContainerId(id))
        .to.throw(ContainerError, "invalid container ID format")
        .with.property("code", "invalid_argument");
    });
  }
});
