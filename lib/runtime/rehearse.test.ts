import { expect } from "chai";
import { openKernel } from "../linux/kernel.ts";
import { rehearse } from "./rehearse.ts";

describe("rehearse()", () => {
  it("comes to its end, for any user: who waits does not say why it has not", () => {
    expect(() => rehearse(openKernel())).not.to.throw();
  });
});
