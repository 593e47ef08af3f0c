/** Records that are damaged, disks that are full, cgroups that go away, descriptors that are spent. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Tally } from "../../harness/tally.ts";
import { cgroupsNamed } from "../../harness/workspace.ts";
import { type FaultParts, FaultSite, faultsOf } from "../fault-site.ts";

interface Case {
  readonly name: string;
  readonly run: (parts: FaultParts) => Promise<readonly string[]>;
}

/** What can have become of a file. */
const DAMAGES: readonly (readonly [name: string, damage: (path: string) => void])[] = [
  ["empty", (path) => truncateSync(path, 0)],
  ["cut in half", (path) => truncateSync(path, Math.floor(statSync(path).size / 2))],
  ["without its last byte", (path) => truncateSync(path, statSync(path).size - 1)],
  ["garbage", (path) => writeFileSync(path, Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 7) % 256)))],
  ["another document", (path) => writeFileSync(path, '{"pid": -1, "init": {"pid": 1, "startTime": 0}, "cgroups": []}')],
  ["null", (path) => writeFileSync(path, "null")],
  ["of great depth", (path) => writeFileSync(path, "[".repeat(200_000))],
];

const STATES: readonly (readonly [name: string, start: boolean])[] = [
  ["created", false],
  ["running", true],
];

/** What is wrong with the answers of the commands that ask or change, and then of `more`. */
async function tryVerbs(
  site: FaultSite,
  ...more: readonly (readonly [verb: string, ...words: string[]])[]
): Promise<readonly string[]> {
  const found: string[] = [];
  const verbs = [["state", site.id], ["list"], ["ps", site.id], ["exec", site.id, "true"]];
  const changes = [
    ["update", "--pids-limit", "10", site.id],
    ["pause", site.id],
    ["resume", site.id],
  ];
  for (const words of [...verbs, ...changes, ...more])
    found.push(...faultsOf(await site.invoke(...words)).map((text) => `${words[0]}: ${text}`));
  return found;
}

/** Every command says what is wrong, or works without the file; then the container is cleared away. */
async function damageRecord(
  parts: FaultParts,
  file: string,
  isStarted: boolean,
  damage: (path: string) => void,
): Promise<readonly string[]> {
  const site = new FaultSite(parts, "record");
  await site.prepare(site.create, ...(isStarted ? [["start", site.id]] : []));
  damage(join(site.root, site.id, file));
  const found = [...(await tryVerbs(site, ["start", site.id], ["kill", site.id, "KILL"]))];
  found.push(...(await site.clear()));
  await site.prepare(site.create);
  found.push(...(await site.clear()).map((text) => `made anew: ${text}`));
  site.remove();
  return found;
}

function recordCases(): readonly Case[] {
  return ["state.json", "config.json"].flatMap((file) =>
    STATES.map(([state, isStarted]) => ({
      name: `${file} of a ${state} container is damaged in ${DAMAGES.length} ways`,
      run: async (parts: FaultParts) => {
        const found: string[] = [];
        for (const [name, damage] of DAMAGES)
          found.push(...(await damageRecord(parts, file, isStarted, damage)).map((text) => `${name}: ${text}`));
        return found;
      },
    })),
  );
}

/** A tmpfs as the state root, of ever fewer pages, down to none that is free. */
const fullDisk: Case = {
  name: "the state root is full",
  run: async (parts) => {
    const found: string[] = [];
    for (const freeBytes of [0, 4096, 8192, 16_384]) {
      const site = new FaultSite(parts, "disk");
      mkdirSync(site.root);
      Bun.spawnSync({ cmd: ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", site.root] });
      try {
        writeFileSync(join(site.root, "@filler"), Buffer.alloc(256 * 1024 - freeBytes));
        const outcome = await site.invoke(...site.create);
        const texts = [...faultsOf(outcome), ...(freeBytes === 0 && outcome.status === 0 ? ["is created"] : [])];
        if (outcome.status !== 0) texts.push(...site.leftovers());
        texts.push(...(await site.clear()));
        found.push(...texts.map((text) => `${freeBytes} bytes free: ${text}`));
      } finally {
        Bun.spawnSync({ cmd: ["umount", site.root] });
      }
      site.remove();
    }
    return found;
  },
};

/** Its processes are moved away and its cgroups removed, as another manager of cgroups may do. */
const lostCgroup: Case = {
  name: "the cgroups of a running container go away",
  run: async (parts) => {
    const site = new FaultSite(parts, "cgroup");
    await site.prepare(site.create, ["start", site.id]);
    for (const path of cgroupsNamed(site.id)) {
      // The root of its hierarchy, which is the only one where there is v2 alone.
      const top = existsSync("/sys/fs/cgroup/cgroup.procs") ? "/sys/fs/cgroup" : path.split("/").slice(0, 5).join("/");
      for (const pid of readFileSync(join(path, "cgroup.procs"), "utf8")
        .split("\n")
        .filter((line) => line !== ""))
        writeFileSync(join(top, "cgroup.procs"), pid);
      rmdirSync(path);
    }
    const found = [...(await tryVerbs(site, ["events", "--stats", site.id]))];
    found.push(...(await site.clear()));
    site.remove();
    return found;
  },
};

/** So few descriptors that not even the program starts, up to where it does. */
const fewDescriptors: Case = {
  name: "there are few descriptors",
  run: async (parts) => {
    const found: string[] = [];
    let created = 0;
    for (const limit of [16, 20, 24, 28, 32, 40, 64, 128]) {
      const site = new FaultSite(parts, "nofile");
      delete (site.config.process as { rlimits?: unknown }).rlimits;
      site.write();
      const command = ["prlimit", `--nofile=${limit}:${limit}`, ...site.command(...site.create)];
      const outcome = await site.begin(command).outcome;
      if (outcome.status === 0) created += 1;
      const texts = [...faultsOf(outcome), ...(await site.clear())];
      found.push(...texts.map((text) => `${limit}: ${text}`));
      site.remove();
    }
    return created === 0 ? [...found, "no container was created at all"] : found;
  },
};

/** A directory where the state is to be, files where directories are, and a root that nobody can write to. */
const oddRoots: Case = {
  name: "the state root is something else",
  run: async (parts) => {
    const found: string[] = [];
    for (const [name, make] of [
      ["a file", (path: string) => writeFileSync(path, "")],
      ["a dangling link", (path: string) => void Bun.spawnSync({ cmd: ["ln", "-s", "/nowhere/at/all", path] })],
      ["in /proc", (path: string) => void Bun.spawnSync({ cmd: ["ln", "-s", "/proc", path] })],
    ] as const) {
      const site = new FaultSite(parts, "root");
      make(site.root);
      const outcome = await site.invoke(...site.create);
      found.push(
        ...[...faultsOf(outcome), ...(outcome.status === 0 ? ["is created"] : [])].map((text) => `${name}: ${text}`),
      );
      if (readdirSync(site.folder).length === 0) found.push(`${name}: the site is gone`);
      site.remove();
    }
    return found;
  },
};

/** Runs the cases that need no tracer. */
export async function judgeSurroundings(
  parts: FaultParts,
  tally: Tally,
  only: (name: string) => boolean,
): Promise<void> {
  for (const { name, run } of [...recordCases(), fullDisk, lostCgroup, fewDescriptors, oddRoots]) {
    if (!only(name)) continue;
    const found = await run(parts).catch((error: unknown) => [String(error)]);
    if (found.length === 0) tally.pass(name);
    else tally.fail(name, found);
  }
}
