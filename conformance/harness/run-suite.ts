import { join } from "node:path";

/** Runs the suite in a folder with `--only` for each name, and gives its last line; all it said, if it failed. */
export async function runSuite(folder: string, names: readonly string[]): Promise<string> {
  const words = names.flatMap((name) => ["--only", name]);
  const child = Bun.spawn([process.execPath, join(folder, "main.ts"), ...words], { stderr: "pipe" });
  const output = await child.stdout.text();
  return (await child.exited) === 0 ? (output.trimEnd().split("\n").at(-1) ?? "") : output;
}
