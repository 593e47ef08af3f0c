import { type Outcome, run } from "./process.ts";
import type { Workspace } from "./workspace.ts";

/** A network namespace of the suite's own in the place of the host's: its bridges and rules end with it. */
export class HostNetwork {
  readonly name: string;
  readonly #scratch: string;

  constructor({ tag, folder }: Workspace) {
    this.name = tag;
    this.#scratch = folder;
  }

  /** The command that becomes another one in it. */
  get within(): readonly string[] {
    return ["nsenter", `--net=${this.path}`];
  }

  /** The file that stands for it. */
  get path(): string {
    return `/run/netns/${this.name}`;
  }

  async open(): Promise<void> {
    await this.#ok("ip", "netns", "add", this.name);
    await this.#ok("ip", "-n", this.name, "link", "set", "lo", "up");
  }

  async close(): Promise<void> {
    await this.#ok("ip", "netns", "del", this.name);
  }

  /** Why no bridge can be made here; undefined when one can. */
  async whyNoBridge(): Promise<string | undefined> {
    const made = await this.run("ip", "link", "add", "probe0", "type", "bridge");
    if (made.status !== 0) return `the kernel makes no bridge: ${made.stderr.trim()}`;
    await this.run("ip", "link", "del", "probe0");
    const rules = await this.run("iptables", "-t", "nat", "-S");
    return rules.status === 0 ? undefined : `iptables does not work: ${rules.stderr.trim()}`;
  }

  run(...words: readonly string[]): Promise<Outcome> {
    return run([...this.within, ...words], { scratch: this.#scratch });
  }

  /** Devices but those that stay, and rules, each a line. */
  async things(): Promise<readonly string[]> {
    const links = (await this.run("ip", "-o", "link")).stdout.split("\n").map((line) => line.split(": ")[1] ?? "");
    const tables = ["filter", "nat", "mangle"];
    const rules = await Promise.all(
      tables.map(async (table) => (await this.run("iptables", "-t", table, "-S")).stdout),
    );
    return [...links.map((link) => link.split("@")[0] ?? ""), ...rules.join("\n").split("\n")]
      .filter((line) => line !== "")
      .sort();
  }

  async #ok(...words: readonly string[]): Promise<void> {
    const { status, stderr } = await run(words, { scratch: this.#scratch });
    if (status !== 0) throw new Error(`${words.join(" ")}: ${stderr.trim()}`);
  }
}
