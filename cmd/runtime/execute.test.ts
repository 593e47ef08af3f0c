import { expect } from "chai";
import { execute, type Host } from "./execute.ts";
import { COMMANDS } from "./program.ts";

async function run(argv: readonly string[], host: Partial<Host> = {}) {
  const result = { status: 0, stdout: "", stderr: "", log: "" };
  result.status = await execute(argv, {
    name: "tsrun",
    cwd: "/",
    env: {},
    uid: 0,
    isInUserNamespace: () => false,
    gid: 0,
    pid: 1,
    now: () => new Date(0),
    writeStdout: (content) => {
      result.stdout += content;
      return Promise.resolve();
    },
    writeStderr: (content) => {
      result.stderr += content;
    },
    appendToFile: (_, content) => {
      result.log += content;
    },
    ...host,
  });
  return result;
}

describe("execute()", () => {
  it("prints the version", async () => {
    for (const flag of ["-v", "--version"]) {
      const { status, stdout } = await run([flag]);
      expect(status).to.equal(0);
      expect(stdout).to.match(/^tsrun version \S+\ncommit: \S+\nspec: 1\.3\.0\n$/);
    }
  });

  for (const argv of [[], ["-h"], ["--help"], ["help"], ["h"]]) {
    it(`lists every command for ${JSON.stringify(argv)}`, async () => {
      const { status, stdout, stderr } = await run(argv);
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: "" });
      for (const name of Object.keys(COMMANDS)) expect(stdout).to.match(new RegExp(`^ {3}${name} +\\S`, "m"));
    });
  }

  for (const [name, load] of Object.entries(COMMANDS)) {
    it(`explains ${name} in lines of at most 100 characters`, async () => {
      const { status, stdout } = await run([name, "--help"]);
      expect(status).to.equal(0);
      expect(stdout).to.equal((await run(["help", name])).stdout);
      expect((await load()).name).to.equal(name);
      expect(stdout).to.match(new RegExp(`^NAME:\\n {3}tsrun ${name} - `));
      for (const title of ["USAGE", "OPTIONS", "EXAMPLES", "EXIT STATUS"]) expect(stdout).to.include(`\n${title}:\n`);
      expect(stdout.split("\n").filter((line) => line.length > 100)).to.deep.equal([]);
    });
  }

  it("suggests a command", async () => {
    expect(await run(["creat"])).to.deep.equal({
      status: 3,
      stdout: "",
      stderr: "tsrun: No help topic for 'creat' (did you mean create?)\n",
      log: "",
    });
  });

  it("suggests a flag", async () => {
    expect(await run(["create", "--bundel", "x", "web"])).to.deep.equal({
      status: 1,
      stdout: "",
      stderr: "tsrun: flag provided but not defined: -bundel (did you mean --bundle?)\n",
      log: "",
    });
  });

  it("suggests no hidden flag, but shows the usage in the same line", async () => {
    expect((await run(["--criuu", "x"])).stderr).to.match(
      /^tsrun: flag provided but not defined: -criuu \(usage: tsrun [^\n]*\)\n$/,
    );
  });

  it("tells where the time goes, after an error too, and only when asked", async () => {
    const { stderr } = await run(["--timings", "--root", "/nowhere", "state", "web"]);
    expect(stderr).to.match(/^tsrun: container web does not exist\ntimings of state: [\d.]+ ms\n {2}start-up /);
    const json = await run(["--timings", "--log-format", "json", "--root", "/nowhere", "list"]);
    expect(json.stderr).to.match(/^\{"timings":\{"command":"list",.*\}\n$/);
    expect((await run(["--root", "/nowhere", "list"])).stderr).to.equal("");
  });

  const rejected = [
    { argv: ["state"], message: '"state" requires exactly 1 argument(s)' },
    { argv: ["state", "a", "b"], message: '"state" requires exactly 1 argument(s)' },
    { argv: ["kill"], message: '"kill" requires a minimum of 1 argument(s)' },
    { argv: ["kill", "a", "TERM", "x"], message: '"kill" requires a maximum of 2 argument(s)' },
    { argv: ["kill", "a", "BOGUS"], message: 'unknown signal "BOGUS"' },
    { argv: ["state", "a/b"], message: "invalid container ID format" },
    { argv: ["state", ".."], message: "invalid container ID format" },
    { argv: ["--root", "/", "list"], message: "cannot keep the state of containers in /" },
    { argv: ["--root", "x/..", "list"], message: "cannot keep the state of containers in /" },
    { argv: ["--log-format", "xml", "list"], message: 'invalid value "xml" for flag -log-format' },
    { argv: ["--rootless=maybe", "list"], message: 'invalid value "maybe" for flag -rootless' },
    { argv: ["constructor"], message: "No help topic for 'constructor'", status: 3 },
  ];
  for (const { argv, message, status = 1 } of rejected) {
    it(`rejects ${JSON.stringify(argv)}`, async () => {
      const result = await run(argv);
      expect(result.status).to.equal(status);
      expect(result.stderr.startsWith(`tsrun: ${message}`), result.stderr).to.equal(true);
    });
  }

  it("writes the error to the log as its last line, in the asked format", async () => {
    const { log, stderr } = await run(["--log", "/l", "--log-format", "json", "--debug", "state", "a/b"]);
    const last = JSON.parse(log.trim().split("\n").at(-1) ?? "");
    expect(last).to.include({ level: "error", time: "1970-01-01T00:00:00Z" });
    expect(stderr).to.equal(`tsrun: ${last.msg}\n`);
  });

  it("speaks under the name it was called by", async () => {
    expect((await run(["creat"], { name: "runc" })).stderr).to.match(/^runc: No help topic for 'creat'/);
  });
});
