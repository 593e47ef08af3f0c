import { expect } from "chai";
import { describe, it } from "mocha";
import { parseFailing } from "../harness/failing.ts";
import { normaliseOutput } from "./normalise.ts";

const NAMES = { folder: "/tmp/x", tag: "engines1", runtime: { name: "candidate", path: "/usr/bin/tsrun" } };

function normalise(line: string): string {
  return normaliseOutput([line], NAMES)[0] ?? "";
}

describe("normaliseOutput()", () => {
  it("names folders, ids, times and the runtime", () => {
    const id = "0123456789ab".padEnd(64, "0");
    expect(normalise(`stdout: /tmp/x/f ${id} 2026-01-02T03:04:05.6Z tsrun`)).to.equal(
      "stdout: <FOLDER>/f <ID> <TIME> <RUNTIME>",
    );
  });

  it("keeps of a runtime's error the reason that engines understand", () => {
    const podman =
      'stderr: Error: tsrun: exec: "x": permission denied (EACCES) (process.args[0]): OCI permission denied';
    expect(normalise(podman)).to.equal("stderr: Error: <RUNTIME>: permission denied: OCI permission denied");
    const docker = "stderr: docker: OCI runtime create failed: cannot mount: invalid argument (EINVAL): unknown.";
    expect(normalise(docker)).to.equal(
      "stderr: docker: OCI runtime create failed: <RUNTIME>: invalid argument: unknown.",
    );
  });

  it("leaves what the container printed alone", () => {
    expect(normalise("stdout: tsrun: permission denied")).to.equal("stdout: <RUNTIME>: permission denied");
  });
});

describe("parseFailing()", () => {
  it("takes the last colon as the end of a name", () => {
    expect([...parseFailing("# remark\n\na: b: why\n")]).to.deep.equal([["a: b", "why"]]);
  });

  it("refuses a line without a reason", () => {
    expect(() => parseFailing("a")).to.throw(Error, "no reason");
  });
});
