import { expect } from "chai";
import { versionText } from "./version.ts";

/** moby daemon/info_unix.go, parseRuntimeVersion(). */
function parseAsDocker(output: string) {
  let found = { runtime: "", version: "", commit: "" };
  for (const line of output.trim().split("\n")) {
    const words = line.split("version");
    if (words.length > 1) {
      found = { ...found, runtime: words[0]?.trim() ?? "", version: words.at(-1)?.trim() ?? "" };
    } else if (line.startsWith("commit:")) found = { ...found, commit: line.slice("commit:".length).trim() };
  }
  return found;
}

/** go-runc runc.go, parseVersion(), since 2020. */
function parseAsGoRunc(output: string) {
  const [first = "", ...others] = output.trim().split("\n");
  if (!first.startsWith("runc version ")) return undefined;
  const field = (name: string) => others.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  return { runc: first.slice("runc version ".length), commit: field("commit"), spec: field("spec") };
}

/** go-runc runc.go, parseVersion(), before: three lines, each split in two. */
function parseAsOldGoRunc(output: string) {
  return output
    .trim()
    .split("\n")
    .map((line, index) => line.split(index === 0 ? "version " : ": ").slice(1));
}

describe("versionText()", () => {
  it("tells docker name, version and commit", () => {
    expect(parseAsDocker(versionText("tsrun"))).to.deep.equal({
      runtime: "tsrun",
      version: "0.0.0-source",
      commit: "unknown",
    });
  });

  it("tells go-runc all it asks when installed as runc", () => {
    const expected = { runc: "0.0.0-source+tsrun", commit: "unknown", spec: "1.3.0" };
    expect(parseAsGoRunc(versionText("runc"))).to.deep.equal(expected);
  });

  it("is no error for go-runc under its own name", () => {
    expect(parseAsGoRunc(versionText("tsrun"))).to.equal(undefined);
    expect(parseAsOldGoRunc(versionText("tsrun"))).to.deep.equal([["0.0.0-source"], ["unknown"], ["1.3.0"]]);
  });
});
