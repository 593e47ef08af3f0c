import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IMAGE } from "../containerd/image.ts";
import { waitUntil } from "../harness/poll.ts";
import { run } from "../harness/process.ts";
import type { Tally } from "../harness/tally.ts";
import { expectEqual, type Setting, Site } from "./site.ts";

/** Runs one check. */
export async function judge(tally: Tally, name: string, check: () => Promise<void>): Promise<void> {
  try {
    await check();
    tally.pass(name);
  } catch (error) {
    tally.fail(name, String(error instanceof Error ? error.stack : error).split("\n"));
  }
}

/** Room for the small image and its snapshots, and not for the large one. */
const DISK_BYTES = 24 * 1024 * 1024;

/** A disk that becomes full: what is there stays, deletions work, and there is room again afterwards. */
export async function fillDisk(setting: Setting, tally: Tally): Promise<void> {
  const folder = join(setting.folder, "small");
  mkdirSync(folder);
  const { status, stderr } = await run(["mount", "-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "none", folder], {
    scratch: setting.folder,
  });
  if (status !== 0) throw new Error(`cannot mount a small disk: ${stderr}`);
  const site = new Site(setting, folder);
  await site.daemon.start();
  try {
    await judge(tally, "a disk that is full", async () => {
      await site.ok("images", "import", setting.archive);
      const refused = await site.ctr("images", "import", setting.large);
      expectEqual("import of what has no room", refused.status, 1);
      expectEqual("its reason", /no space left|full/i.test(refused.stderr), true);
      expectEqual("what was there", (await site.ok("images", "check")).includes("complete"), true);
      // What the import has left is removed when its lease has gone.
      const tag = ["images", "tag", IMAGE, "conformance.local/other:1"];
      await waitUntil("room", async () => (await site.ctr(...tag)).status === 0);
      await site.ok("images", "rm", "--sync", "conformance.local/other:1");
      expectEqual(
        "a container",
        await site.ok("run", "--rm", IMAGE, `${setting.tag}-full`, "echo", "there"),
        "there\n",
      );
      await site.daemon.stop("SIGKILL");
      await site.fsck({ orphans: "allowed" });
      await site.daemon.start();
      await site.ok("images", "rm", "--sync", IMAGE);
      await site.ok("images", "import", setting.archive);
      await site.daemon.stop("SIGTERM");
      await site.fsck({ orphans: "forbidden" });
    });
  } finally {
    await site.daemon.stop("SIGTERM");
    await run(["umount", folder], { scratch: setting.folder });
  }
}

/** Bytes that changed on the disk, and files that are gone: they are found, and the image can be had again. */
export async function damageStore(setting: Setting, tally: Tally): Promise<void> {
  const site = new Site(setting, join(setting.folder, "damaged"));
  const root = join(site.daemon.folder, "root");
  const fsck = async (...words: readonly string[]) =>
    await run([setting.program, "fsck", "--config", "/dev/null", "--root", root, ...words], {
      scratch: setting.folder,
    });
  await site.daemon.start();
  await site.ok("images", "import", setting.archive);
  await site.daemon.stop("SIGTERM");
  const blobs = join(root, "content/blobs/sha256");
  const damages: readonly (readonly [string, () => void])[] = [
    ["every blob with a byte changed", () => readdirSync(blobs).forEach((name) => void flipByte(join(blobs, name)))],
    ["every blob missing", () => readdirSync(blobs).forEach((name) => void rmSync(join(blobs, name)))],
    ["a snapshot without its directory", () => removeFirst(join(root, "snapshots/overlayfs"))],
    ["a file of nobody", () => writeFileSync(join(blobs, "0".repeat(64)), "nobody's")],
  ];
  for (const [name, damage] of damages) {
    await judge(tally, `${name}: found, repaired, and the image works again`, async () => {
      damage();
      const [found, repaired, again] = [await fsck(), await fsck("--repair"), await fsck()];
      expectEqual("the statuses", [found.status, repaired.status, again.status], [4, 1, 0]);
      await site.daemon.start();
      await site.ok("images", "import", setting.archive);
      expectEqual(
        "a container",
        await site.ok("run", "--rm", IMAGE, `${setting.tag}-again`, "echo", "there"),
        "there\n",
      );
      await site.daemon.stop("SIGTERM");
      await site.fsck({ orphans: "forbidden" });
    });
    await site.daemon.stop("SIGTERM");
  }
}

function flipByte(path: string): void {
  const bytes = readFileSync(path);
  bytes[Math.floor(bytes.length / 2)] = 255 - (bytes[Math.floor(bytes.length / 2)] ?? 0);
  // It is not to be written to: another one takes its place.
  rmSync(path);
  writeFileSync(path, bytes, { mode: 0o444 });
}

function removeFirst(directory: string): void {
  const [first = ""] = readdirSync(directory).toSorted((a, b) => Number(a) - Number(b));
  rmSync(join(directory, first), { recursive: true });
}

/**
 * Copies of the store, as it is at any moment of its work: as after a power cut, with a last write that is torn. A daemon
 * started from a copy has all that was acknowledged before it was made.
 */
export async function copyStore(setting: Setting, tally: Tally): Promise<void> {
  const site = new Site(setting, join(setting.folder, "copied"));
  await site.daemon.start();
  try {
    await judge(tally, `the store copied while it is written to, ${setting.rounds} times`, async () => {
      for (let round = 0; round < setting.rounds; round++) await copyOnce(setting, site, round);
    });
  } finally {
    await site.daemon.stop("SIGTERM");
  }
}

const MAX_DELAY_MS = 400;

async function copyOnce(setting: Setting, site: Site, round: number): Promise<void> {
  const acknowledged: string[] = [];
  let isOver = false;
  const client = (async () => {
    for (let n = 0; !isOver; n++) {
      const name = `conformance.local/copy:${round}-${n}`;
      await site.ctr("images", "import", setting.archive);
      const { status } = await site.ctr("images", "tag", IMAGE, name);
      if (status === 0) acknowledged.push(name);
      await site.ctr("images", "rm", "--sync", IMAGE);
    }
  })();
  await Bun.sleep(setting.random() * MAX_DELAY_MS);
  process.kill(site.daemon.pid, "SIGSTOP");
  const before = [...acknowledged];
  const copy = new Site(setting, join(setting.folder, `copy-${round}`));
  const words = ["cp", "-a", "--reflink=auto", join(site.daemon.folder, "root"), join(copy.daemon.folder, "root")];
  const { status, stderr } = await run(words, { scratch: setting.folder });
  process.kill(site.daemon.pid, "SIGCONT");
  isOver = true;
  await client;
  expectEqual(`cp ${stderr}`, status, 0);
  tearLog(join(copy.daemon.folder, "root/metadata.db-wal"), setting.random);
  await copy.fsck({ orphans: "allowed" });
  await copy.daemon.start();
  try {
    for (const name of before) expectEqual(name, await copy.has(name, "images", "ls"), true);
    await copy.ok("images", "import", setting.archive);
  } finally {
    await copy.daemon.stop("SIGTERM");
  }
  await copy.fsck({ orphans: "forbidden" });
  rmSync(copy.daemon.folder, { recursive: true });
}

const TORN_BYTES = 3000;

/** The beginning of a write that had not come to its end. */
function tearLog(path: string, random: () => number): void {
  if (!existsSync(path)) return;
  const torn = Uint8Array.from({ length: TORN_BYTES }, () => Math.floor(random() * 256));
  const whole = readFileSync(path);
  writeFileSync(path, Buffer.concat([whole, torn]));
}
