import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { RuntimeContext } from "../context.ts";
import { testContext } from "../test-context.ts";
import { specCommand } from "./spec.ts";
import { validateCommand } from "./validate.ts";

const printed: string[] = [];

function contextIn(cwd: string): RuntimeContext {
  return testContext(cwd, printed);
}

async function rejection(promise: Promise<unknown> | undefined): Promise<string> {
  return await Promise.resolve(promise).then(
    () => "no error",
    (error: Error) => error.message,
  );
}

describe("spec and validate", () => {
  let folder = "";
  beforeEach(() => {
    printed.length = 0;
    folder = mkdtempSync(join(tmpdir(), "tsrun-spec-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("spec writes a config.json in which validate finds no fault", async () => {
    expect(await specCommand.prepare([]).run?.(contextIn(folder))).to.equal(0);
    expect(await validateCommand.prepare([]).run?.(contextIn(folder))).to.equal(0);
    expect(printed).to.deep.equal([""]);
  });

  it("spec --rootless maps the caller's ids", async () => {
    await specCommand.prepare(["--rootless", "-b", folder]).run?.(contextIn("/"));
    const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
    expect(config.linux.uidMappings).to.deep.equal([{ containerID: 0, hostID: 1000, size: 1 }]);
  });

  it("spec leaves an existing config.json as it is", async () => {
    writeFileSync(join(folder, "config.json"), "{}");
    expect(await rejection(specCommand.prepare([]).run?.(contextIn(folder)))).to.equal(
      "File config.json exists. Remove it first",
    );
    expect(readFileSync(join(folder, "config.json"), "utf8")).to.equal("{}");
  });

  it("spec names the directory that is missing", async () => {
    expect(await rejection(specCommand.prepare(["-b", "no"]).run?.(contextIn(folder)))).to.equal(
      `cannot write ${folder}/no/config.json: no such file or directory (ENOENT)`,
    );
  });

  it("validate prints one line a fault and exits with 1", async () => {
    writeFileSync(join(folder, "config.json"), '{"ociVersion":"1.3.0","root":{"path":3},"hostname":[]}');
    expect(await validateCommand.prepare([folder]).run?.(contextIn("/"))).to.equal(1);
    expect(printed.join("")).to.match(/^(\/[^\n]*: [^\n]+: [^\n]+\n)+$/);
    expect(printed.join("")).to.include("/root/path: 3: ").and.to.include("/hostname: []: ");
  });

  it("validate --format json prints pointer, value and problem", async () => {
    writeFileSync(join(folder, "config.json"), '{"ociVersion":"1.3.0","hostname":[]}');
    await validateCommand.prepare(["--format", "json", folder]).run?.(contextIn("/"));
    const hostname = JSON.parse(printed.join("")).find((fault: { pointer: string }) => fault.pointer === "/hostname");
    expect(hostname).to.have.keys("pointer", "value", "problem");
  });

  it("validate names the file it cannot read", async () => {
    expect(await rejection(validateCommand.prepare(["no"]).run?.(contextIn(folder)))).to.equal(
      `cannot read ${folder}/no/config.json: no such file or directory (ENOENT)`,
    );
  });
});
