/**
 * npm start: builds tsrun, makes a bundle out of what is on this host, and runs a container from it.
 *
 *   bun .ci/start.ts [RUNTIME]    another runtime in tsrun's place, e.g. runc
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.ts";
import { makeDemoBundle } from "./demo-bundle.ts";
import { ROOT, say } from "./shell.ts";

const PROGRAM = "dist/tsrun";

async function main([runtime]: readonly string[]): Promise<number> {
  if (runtime === undefined) await build();
  const program = runtime ?? join(ROOT, PROGRAM);
  const folder = mkdtempSync(join(tmpdir(), "tsrun-start-"));
  const id = `start-${process.pid}`;
  try {
    const bundle = join(folder, "bundle");
    say(`Made a bundle from ${makeDemoBundle(bundle)}; no image was downloaded.`);
    return runContainer(program, join(folder, "state"), bundle, id);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runContainer(program: string, root: string, bundle: string, id: string): number {
  const words = ["--root", root, "run", "--bundle", bundle, id];
  say(`$ ${runtimeName(program)} ${words.join(" ")}`);
  const begin = performance.now();
  const child = Bun.spawnSync({ cmd: [program, ...words], stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const ms = (performance.now() - begin).toFixed(1);
  for (const line of `${child.stdout}${child.stderr}`.trimEnd().split("\n")) say(`  ${line}`);
  if (child.exitCode !== 0) {
    // A container that is half made must not outlive its bundle.
    Bun.spawnSync({ cmd: [program, "--root", root, "delete", "--force", id] });
    say(`The container could not be run: exit status ${child.exitCode}.`);
    return 1;
  }
  say(`Made, started, ended and deleted in ${ms} ms.`);
  if (program.endsWith(PROGRAM)) say(NEXT);
  return 0;
}

function runtimeName(program: string): string {
  return program.endsWith(PROGRAM) ? PROGRAM : program;
}

const NEXT = `
Next:
  ${PROGRAM} --help                             every command
  mkdir web && ${PROGRAM} spec --bundle web     an example config.json
  ${PROGRAM} validate web                       what is wrong with it
  ${PROGRAM} explain web                        the system calls it will cause, without making any
  npm test                                      the whole gate`;

process.exitCode = await main(process.argv.slice(2));
