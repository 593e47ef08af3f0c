import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "../harness/process.ts";
import { findRuntime, type Runtime } from "../harness/runtime.ts";
import type { Edit } from "./attack.ts";

const ROOT = join(import.meta.dir, "../..");

/** The files of the source with a defence taken away. @throws {Error} when an edit does not find its place exactly once */
export function mutate(edits: readonly Edit[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { file, from, to } of edits) {
    const parts = (files.get(file) ?? readFileSync(join(ROOT, file), "utf8")).split(from);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`);
    files.set(file, parts.join(to));
  }
  return files;
}

/** Builds the program without a defence, in a folder of its own. @throws {Error} with what the build says */
export async function buildMutant(mutant: readonly Edit[], folder: string): Promise<Runtime> {
  mkdirSync(folder);
  const listed = Bun.spawnSync({ cmd: ["git", "ls-files", "-z"], cwd: ROOT, stdout: "pipe" });
  for (const name of listed.stdout.toString().split("\0")) {
    if (name === "" || !(await Bun.file(join(ROOT, name)).exists())) continue;
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    copyFileSync(join(ROOT, name), join(folder, name));
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const [file, text] of mutate(mutant)) writeFileSync(join(folder, file), text);
  const built = await run([process.execPath, ".ci/build.ts"], { scratch: folder, cwd: folder });
  const runtime = findRuntime(join(folder, "dist/tsrun"));
  if (built.status !== 0 || runtime === undefined) throw new Error(`cannot build it: ${built.stdout}${built.stderr}`);
  return runtime;
}
