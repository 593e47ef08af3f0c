/**
 * daemon-faults: tsrund, its shims and its clients killed by SIGKILL at random moments of everything they do, a store that is
 * copied, damaged, or out of room. After each: what was acknowledged is there, `tsrund fsck` finds nothing wrong, and no
 * process, mount, cgroup, descriptor or record is left.
 *
 *   bun conformance/daemon-faults/main.ts [--rounds N] [--only TEXT] [--operation NAME] [--seed N] [--program PATH]
 *
 * Needs root, ctr (of Debian's containerd), busybox (static), tar and tmpfs. `--rounds 200` is the long form. A failure
 * prints the seed, and after how many milliseconds the kill came.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IMAGE, makeArchive } from "../containerd/image.ts";
import { readOptions } from "../harness/options.ts";
import { makeRootfs } from "../harness/rootfs.ts";
import { runSuite } from "../harness/suite.ts";
import { say } from "../harness/tally.ts";
import type { Workspace } from "../harness/workspace.ts";
import { loseClients } from "./clients.ts";
import { copyStore, damageStore, fillDisk } from "./disk.ts";
import { killDaemon, killShim } from "./kills.ts";
import type { Setting } from "./site.ts";

const NEEDED = ["ctr", "busybox", "tar", "mount"];
const FILES = 200;
const LARGE_BYTES = 40 * 1024 * 1024;

const PARTS = {
  daemon: killDaemon,
  shim: killShim,
  disk: fillDisk,
  damage: damageStore,
  copy: copyStore,
  clients: loseClients,
};

/** Numbers from 0 to 1 that a seed repeats (Park and Miller). */
function randomFrom(seed: number): () => number {
  let state = (seed % 2147483646) + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

async function makeSetting(
  workspace: Workspace,
  given: Pick<Setting, "program" | "rounds" | "operation" | "random">,
): Promise<Setting> {
  const [small, large] = ["small-image", "large-image"].map((name) => join(workspace.folder, name)) as [string, string];
  const [rootfs, many, big] = [join(small, "rootfs"), join(small, "files"), join(large, "files")];
  makeRootfs(rootfs);
  mkdirSync(join(many, "many"), { recursive: true });
  for (let n = 0; n < FILES; n++) writeFileSync(join(many, "many", String(n)), `file ${n}\n`);
  mkdirSync(big, { recursive: true });
  writeFileSync(join(big, "big"), Buffer.alloc(LARGE_BYTES, "large "));
  const { archive, manifest } = await makeArchive(small, IMAGE, [rootfs, many]);
  const { archive: largeArchive } = await makeArchive(large, "conformance.local/large:1", [big]);
  return { ...given, ...workspace, archive, manifest, large: largeArchive };
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    rounds: { type: "string", default: "3" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    only: { type: "string" },
    operation: { type: "string" },
    program: { type: "string", default: join(import.meta.dir, "../../dist/tsrund") },
  });
  say(`seed ${values.seed}`);
  return await runSuite({
    name: "daemon-faults",
    programs: NEEDED,
    judge: async (workspace, tally) => {
      const random = randomFrom(Number(values.seed));
      const { program, operation } = values;
      const setting = await makeSetting(workspace, { program, rounds: Number(values.rounds), operation, random });
      for (const [name, part] of Object.entries(PARTS)) {
        if (values.only !== undefined && !name.includes(values.only)) continue;
        try {
          await part(setting, tally);
        } catch (error) {
          tally.fail(name, String(error instanceof Error ? error.stack : error).split("\n"));
        }
      }
    },
  });
}

process.exitCode = await main();
