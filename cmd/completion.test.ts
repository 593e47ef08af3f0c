import { expect } from "chai";
import { describe, it } from "mocha";
import { renderCompletion } from "./completion.ts";
import { programSpec } from "./runtime/help.ts";
import { COMMANDS } from "./runtime/program.ts";

const ROOT = "/nonexistent";

/** What bash offers for a line; the last word is the one to complete. */
async function bashOffers(line: string): Promise<readonly string[]> {
  const script = renderCompletion("bash", await programSpec("tsrun"));
  const words = line.split(" ");
  const ask = `${script}
tsrun() { echo web; echo "db-$2"; }
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})
COMP_CWORD=${words.length - 1}
_tsrun
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, exitCode } = Bun.spawnSync(["bash", "-c", ask], { stdout: "pipe", stderr: "pipe" });
  expect({ exitCode, stderr: stderr.toString() }).to.deep.equal({ exitCode: 0, stderr: "" });
  return stdout
    .toString()
    .split("\n")
    .filter((word) => word !== "");
}

describe("renderCompletion()", () => {
  const cases: readonly (readonly [line: string, offers: readonly string[]])[] = [
    ["tsrun sta", ["start", "state"]],
    ["tsrun --log-f", ["--log-format"]],
    ["tsrun --log-format ", ["text", "json"]],
    [`tsrun --root ${ROOT} state `, ["web", `db-${ROOT}`]],
    ["tsrun --log /l kill w", ["web"]],
    ["tsrun list --format j", ["json"]],
    ["tsrun checkpoint --manage-cgroups-mode s", ["soft", "strict"]],
    ["tsrun update --cpu-q", ["--cpu-quota"]],
    ["tsrun help ev", ["events"]],
    ["tsrun completion ", ["bash", "zsh", "fish"]],
    ["tsrun run --preserve-fds ", []],
  ];
  for (const [line, offers] of cases) {
    it(`bash: ${line}`, async () => expect(await bashOffers(line)).to.have.members([...offers]));
  }

  it("bash: offers every command", async () => {
    expect(await bashOffers("tsrun ")).to.include.members(Object.keys(COMMANDS));
  });

  it("bash: offers no hidden option", async () => {
    expect(await bashOffers("tsrun --c")).to.deep.equal([]);
  });

  it("zsh: is bash's, told to zsh", async () => {
    const script = renderCompletion("zsh", await programSpec("tsrun"));
    expect(script)
      .to.match(/^#compdef tsrun\n.*bashcompinit\n/)
      .and.include("complete -o default -F _tsrun tsrun");
  });

  it("fish: has a line for every command and for every option that is shown", async () => {
    const spec = await programSpec("tsrun");
    const script = renderCompletion("fish", spec);
    for (const { name, flags } of spec.commands) {
      expect(script).to.include(`-n __fish_use_subcommand -a ${name} -d `);
      const shown = Object.values(flags).filter(({ hidden }) => hidden !== true);
      const lines = script.split("\n").filter((line) => line.includes(`seen_subcommand_from ${name}" -l `));
      expect(lines).to.have.lengthOf(shown.length);
    }
    expect(script).to.include("-l format -s f -x -a 'table json'");
    expect(script).to.not.match(/'[^']*[^\\]'s /);
  });
});
