import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Mount } from "../../harness/config.ts";
import type { MountLine, Report } from "../report.ts";
import type { Scenario, Stage } from "../stage.ts";

/** What a mount with an option shows in proc_pid_mountinfo(5). */
interface OptionCase {
  readonly name: string;
  /** What stands before it in the list, for the option to undo. */
  readonly before?: readonly string[];
  /** A flag of the mount that is there. */
  readonly has?: string;
  /** Flags that are not there. */
  readonly hasNot?: readonly string[];
  /** A flag of the filesystem that is there. */
  readonly superHas?: string;
}

/** Options of a filesystem that is mounted. Those without a flag have only to be taken. */
const OPTIONS: readonly OptionCase[] = [
  { name: "async", before: ["sync"], hasNot: ["sync"] },
  { name: "atime", before: ["noatime"], hasNot: ["noatime"] },
  { name: "defaults", hasNot: ["ro", "nosuid", "nodev", "noexec"] },
  { name: "dev", before: ["nodev"], hasNot: ["nodev"] },
  { name: "diratime", before: ["nodiratime"], hasNot: ["nodiratime"] },
  { name: "dirsync", superHas: "dirsync" },
  { name: "exec", before: ["noexec"], hasNot: ["noexec"] },
  { name: "iversion" },
  { name: "lazytime", superHas: "lazytime" },
  { name: "loud", before: ["silent"] },
  { name: "noatime", has: "noatime" },
  { name: "nodev", has: "nodev" },
  { name: "nodiratime", has: "nodiratime" },
  { name: "noexec", has: "noexec" },
  { name: "noiversion" },
  { name: "nolazytime", before: ["lazytime"], hasNot: ["lazytime"] },
  { name: "norelatime" },
  { name: "nostrictatime" },
  { name: "nosuid", has: "nosuid" },
  { name: "nosymfollow", has: "nosymfollow" },
  { name: "relatime", has: "relatime" },
  { name: "remount" },
  { name: "ro", has: "ro" },
  { name: "rw", before: ["ro"], hasNot: ["ro"] },
  { name: "silent" },
  { name: "strictatime", hasNot: ["relatime", "noatime"] },
  { name: "suid", before: ["nosuid"], hasNot: ["nosuid"] },
  { name: "symfollow", before: ["nosymfollow"], hasNot: ["nosymfollow"] },
  { name: "sync", superHas: "sync" },
];

/** What recursive options make of a mount below one that has every flag, or none. */
const RECURSIVE: readonly OptionCase[] = [
  { name: "ratime", hasNot: ["noatime"] },
  { name: "rdev", hasNot: ["nodev"] },
  { name: "rdiratime", hasNot: ["nodiratime"] },
  { name: "rexec", hasNot: ["noexec"] },
  { name: "rnoatime", has: "noatime" },
  { name: "rnodev", has: "nodev" },
  { name: "rnodiratime", has: "nodiratime" },
  { name: "rnoexec", has: "noexec" },
  { name: "rnorelatime" },
  { name: "rnostrictatime" },
  { name: "rnosuid", has: "nosuid" },
  { name: "rnosymfollow", has: "nosymfollow" },
  { name: "rrelatime", has: "relatime" },
  { name: "rro", has: "ro" },
  { name: "rrw", hasNot: ["ro"] },
  { name: "rstrictatime", hasNot: ["relatime", "noatime"] },
  { name: "rsuid", hasNot: ["nosuid"] },
  { name: "rsymfollow", hasNot: ["nosymfollow"] },
];

const EVERY_FLAG = "ro,nosuid,nodev,noexec,noatime,nodiratime";

function check(stage: Stage, subject: OptionCase, mount: MountLine | undefined): void {
  const { name, has, hasNot = [], superHas } = subject;
  const id = `MO-${name}`;
  if (mount === undefined) {
    stage.expect(id, false, "it is not mounted");
    return;
  }
  const shown = [...mount.options, ...mount.superOptions].join();
  const isThere = has === undefined || mount.options.includes(has);
  const isGone = hasNot.every((flag) => !mount.options.includes(flag));
  const isSuper = superHas === undefined || mount.superOptions.includes(superHas);
  stage.expect(id, isThere && isGone && isSuper, `the mount has ${shown}`);
}

interface Trial {
  readonly subject: OptionCase;
  readonly mount: Mount;
  /** The mount that is looked at. */
  readonly at: string;
}

/** All in one container; where that is refused, each in one of its own, to see which one it was. */
async function tryAll(stage: Stage, trials: readonly Trial[]): Promise<void> {
  const mounts = [...stage.config.mounts];
  const play = async (own: readonly Trial[]): Promise<void> => {
    stage.config.mounts = [...mounts, ...own.map(({ mount }) => mount)];
    const report: Report = await stage.play("read:/proc/self/mountinfo");
    for (const { subject, at } of own) check(stage, subject, report.mountAt(at));
  };
  try {
    await play(trials);
  } catch {
    await stage.clear();
    for (const trial of trials) await playOne(stage, trial, play);
  }
}

async function playOne(stage: Stage, trial: Trial, play: (own: readonly Trial[]) => Promise<void>): Promise<void> {
  try {
    await play([trial]);
  } catch (error) {
    stage.expect(`MO-${trial.subject.name}`, false, error instanceof Error ? error.message : String(error));
    await stage.clear();
  }
}

async function tryOptions(stage: Stage): Promise<void> {
  const trials = OPTIONS.map((subject): Trial => {
    const at = `/option/${subject.name}`;
    const options = [...(subject.before ?? []), subject.name];
    if (subject.name !== "remount")
      return { subject, at, mount: { destination: at, type: "tmpfs", source: "x", options } };
    // What is there already gets other flags.
    const mount = { destination: "/proc", type: "proc", source: "proc", options: ["remount", "nosuid"] };
    return { subject: { ...subject, has: "nosuid" }, at: "/proc", mount };
  });
  await tryAll(stage, trials);
}

/** A folder with a mount in it that has the flags; both go with the scenario. */
function makeNest(stage: Stage, name: string, flags: string): string {
  const folder = join(stage.folder, name);
  mkdirSync(join(folder, "sub"), { recursive: true });
  mountBelow(stage, join(folder, "sub"), ["-t", "tmpfs", "-o", flags, "oci"]);
  return folder;
}

/** mount(8), until the stage is closed. */
function mountBelow(stage: Stage, target: string, words: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["mount", ...words, target], { stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`cannot mount at ${target}: ${stderr.toString()}`);
  stage.defer(() => Bun.spawnSync(["umount", "-l", target]));
}

async function tryRecursive(stage: Stage): Promise<void> {
  const full = makeNest(stage, "full", EVERY_FLAG);
  const bare = makeNest(stage, "bare", "rw");
  const symfollow = makeNest(stage, "nosymfollow", "nosymfollow");
  const trials = RECURSIVE.map((subject): Trial => {
    const at = `/recursive/${subject.name}`;
    const sets = subject.has !== undefined && subject.has !== "relatime";
    const source = sets ? bare : subject.name === "rsymfollow" ? symfollow : full;
    return {
      subject,
      at: `${at}/sub`,
      mount: { destination: at, type: "none", source, options: ["rbind", subject.name] },
    };
  });
  await tryAll(stage, trials);
  stage.config.mounts = stage.config.mounts.filter(({ destination }) => !destination.startsWith("/recursive"));
  for (const name of ["bind", "rbind"]) {
    stage.config.mounts.push({ destination: `/${name}`, type: "none", source: bare, options: [name] });
  }
  const report = await stage.play("read:/proc/self/mountinfo");
  const sub = (name: string): boolean => report.mountAt(`/${name}/sub`) !== undefined;
  stage.expect("MO-bind", report.mountAt("/bind") !== undefined && !sub("bind"), "what is below came with it");
  stage.expect(
    "MO-rbind",
    report.mountAt("/rbind") !== undefined && sub("rbind"),
    "what is below did not come with it",
  );
}

async function tryPropagation(stage: Stage): Promise<void> {
  const nest = makeNest(stage, "nest", "rw");
  const names = ["private", "shared", "slave", "unbindable"].flatMap((name) => [name, `r${name}`]);
  for (const name of names) {
    const options = ["rbind", name];
    stage.config.mounts.push({ destination: `/${name}`, type: "none", source: nest, options });
  }
  const report = await stage.play("read:/proc/self/mountinfo");
  for (const name of names) {
    const kind = name.startsWith("r") ? name.slice(1) : name;
    const places = name === kind ? [`/${name}`] : [`/${name}`, `/${name}/sub`];
    for (const place of places) {
      const words = report.mountAt(place)?.propagation;
      stage.expect(`MO-${name}`, words !== undefined && isOfKind(kind, words), `${place}: ${words?.join(" ")}`);
    }
  }
}

/** A slave has a master only where its source was shared; in any case it shares nothing. */
function isOfKind(kind: string, words: readonly string[]): boolean {
  const isShared = words.some((word) => word.startsWith("shared:"));
  if (kind === "shared") return isShared;
  if (kind === "unbindable") return words.includes("unbindable");
  return !isShared && !words.includes("unbindable") && (kind !== "private" || words.length === 0);
}

const MAPPINGS = [{ containerID: 0, hostID: 4321, size: 10 }];

async function mapIds(stage: Stage): Promise<void> {
  const [nest, below] = ["nest", "below"].map((name) => join(stage.folder, name)) as [string, string];
  for (const folder of [join(nest, "sub"), below]) mkdirSync(folder, { recursive: true });
  // Of the same filesystem: a tmpfs takes mappings only since Linux 6.3.
  mountBelow(stage, join(nest, "sub"), ["--bind", below]);
  writeFileSync(join(nest, "file"), "");
  writeFileSync(join(nest, "sub/file"), "");
  for (const name of ["idmap", "ridmap"]) {
    const mount = { destination: `/${name}`, type: "none", source: nest, options: ["rbind", name] };
    stage.config.mounts.push({ ...mount, ...{ uidMappings: MAPPINGS, gidMappings: MAPPINGS } });
  }
  const files = ["/idmap/file", "/ridmap/file", "/ridmap/sub/file"];
  const report = await stage.play(...files.map((path) => `stat:${path}`), "read:/proc/self/mountinfo");
  for (const path of files) {
    const { uid, gid } = report.of(`stat:${path}`);
    const ids = path.startsWith("/idmap") ? ["MO-idmap", "MT-15"] : ["MO-ridmap", "MT-18"];
    for (const id of ids) stage.expect(id, uid === 4321 && gid === 4321, `${path} belongs to ${uid}:${gid}`);
  }
  const data = report.mountAt("/idmap")?.superOptions ?? [];
  stage.expect("MT-17", !data.includes("idmap"), `the filesystem was given ${data.join()}`);
}

async function mapWrongly(stage: Stage): Promise<void> {
  const cases = [
    ["MT-11", "uidMappings alone", { uidMappings: MAPPINGS }, "idmap"],
    ["MT-14", "gidMappings alone", { gidMappings: MAPPINGS }, "idmap"],
    ["MT-16", "idmap without mappings", {}, "idmap"],
    ["MT-19", "ridmap without mappings", {}, "ridmap"],
  ] as const;
  for (const [id, what, mappings, option] of cases) {
    await stage.expectRefused(id, what, (config) => {
      const mount = { destination: "/x", type: "none", source: stage.scratch, options: ["rbind", option] };
      config.mounts.push({ ...mount, ...mappings });
    });
  }
}

/** config.md § Linux mount options */
export const mountOptionScenarios: readonly Scenario[] = [
  { name: "mounts/options", short: true, play: tryOptions },
  { name: "mounts/recursive", play: tryRecursive },
  { name: "mounts/propagation", play: tryPropagation },
  { name: "mounts/idmap", play: mapIds },
  { name: "mounts/idmap-invalid", play: mapWrongly },
];
