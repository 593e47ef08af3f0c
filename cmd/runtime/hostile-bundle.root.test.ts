import { existsSync, rmSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { useSite } from "../../lib/testing/runtime-hooks.ts";
import { startProgram } from "../../lib/testing/runtime-program.ts";

/** Files that Bun reads from the working directory, when it is not told to leave that; each would leave a mark. */
function plant(folder: string, mark: string): void {
  const leaveMark = `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "");\n`;
  writeFileSync(`${folder}/evil.js`, leaveMark);
  writeFileSync(`${folder}/bunfig.toml`, 'preload = ["./evil.js"]\n[run]\npreload = ["./evil.js"]\n');
  writeFileSync(`${folder}/.env`, "HOSTILE=1\nBUN_OPTIONS=--preload=./evil.js\nXDG_RUNTIME_DIR=/hostile\n");
  writeFileSync(
    `${folder}/package.json`,
    JSON.stringify({
      name: "yargs",
      type: "commonjs",
      main: "evil.js",
      imports: { "#*": "./evil.js" },
      bun: "evil.js",
    }),
  );
  writeFileSync(
    `${folder}/tsconfig.json`,
    JSON.stringify({ compilerOptions: { baseUrl: ".", paths: { "*": ["./evil.js"], "node:*": ["./evil.js"] } } }),
  );
}

describe("tsrun in a bundle that would like to run code in it", () => {
  const checked = useSite();

  it(
    "reads no .env, bunfig.toml, package.json and tsconfig.json",
    checked(async (site) => {
      const mark = `${site.folder}/mark`;
      const bundle = site.bundle(["sh", "-c", "echo $HOSTILE$XDG_RUNTIME_DIR; echo ran"]);
      plant(bundle, mark);
      for (const words of [
        ["run", "web"],
        ["create", "web"],
        ["start", "web"],
        ["state", "web"],
        ["list"],
        ["delete", "--force", "web"],
        ["explain"],
        ["validate"],
        ["--help"],
        ["run", "--help"],
        ["--version"],
      ]) {
        const { status, stdout, stderr } = await site.start(words, { cwd: bundle }).outcome;
        expect({ words, status, stderr }).to.deep.equal({ words, status: 0, stderr: "" });
        expect(`${stdout}${words[0]}`).to.match(words[0] === "run" && words[1] === "web" ? /^\nran\nrun$/ : /./);
        expect(existsSync(mark), words.join(" ")).to.equal(false);
      }
    }),
  );

  it(
    "what is planted does run in a bun that reads it",
    checked(async (site) => {
      const mark = `${site.folder}/mark`;
      const bundle = site.bundle(["true"]);
      plant(bundle, mark);
      writeFileSync(`${bundle}/nothing.js`, "");
      await startProgram([process.execPath, "run", "nothing.js"], { cwd: bundle }).outcome;
      expect(existsSync(mark)).to.equal(true);
      rmSync(mark);
    }),
  );
});
