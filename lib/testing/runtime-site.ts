import { chmodSync, closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { expect } from "chai";
import { openKernel } from "../linux/kernel.ts";
import type { RuntimeOptions } from "../runtime/options.ts";
import { copyBusybox, type FullConfig, testConfig, writeBundle } from "./runtime-bundle.ts";
import { type Census, type CensusScope, processesIn, takeCensus } from "./runtime-census.ts";
import { waitUntil } from "./runtime-poll.ts";
import { directoriesNamed } from "./runtime-proc.ts";
import { type Outcome, type Program, type ProgramOptions, startProgram, TSRUN } from "./runtime-program.ts";

/** Fails where a test that needs root has none; with TSRUN_TEST_SKIP=root the test is reported as skipped instead. */
export function requireRoot(test: Mocha.Context): void {
  if (process.geteuid?.() === 0) return;
  if (process.env["TSRUN_TEST_SKIP"] !== "root") {
    throw new Error("this test needs root; to go without it, set TSRUN_TEST_SKIP=root");
  }
  test.skip();
}

/** Runs for as long as a test may want it. */
export const LONG: readonly string[] = ["sleep", "1000"];

/** How long what was killed may take to be gone. */
const SETTLE_MS = 30_000;

/** A place in which a test makes containers: a state root, a folder of bundles, and a name in front of every cgroup. */
export class Site implements CensusScope {
  readonly folder: string = mkdtempSync("/tmp/tsrun-site-");
  readonly root: string = `${this.folder}/state`;
  readonly tag: string = `site${process.pid}-${this.folder.slice(-6)}`;
  readonly options: RuntimeOptions;
  #bundles = 0;
  #before: Census;

  constructor() {
    // A user without privileges has to reach it.
    chmodSync(this.folder, 0o755);
    copyBusybox(`${this.folder}/busybox`);
    this.options = {
      kernel: openKernel(),
      root: this.root,
      systemdCgroup: false,
      rootless: "auto",
      debug: () => undefined,
      warn: () => undefined,
    };
    this.#before = takeCensus(this);
  }

  /** Makes a bundle and gives its path. Its container's cgroup has the bundle's name below the tag. */
  bundle(args: readonly string[], edit: (config: FullConfig) => unknown = (config) => config): string {
    this.#bundles += 1;
    const name = `b${this.#bundles}`;
    const path = `${this.folder}/${name}`;
    writeBundle(path, edit(testConfig(args, `/${this.tag}/${name}`)), `${this.folder}/busybox`);
    return path;
  }

  /** Starts the built program on this site's state root. */
  start(words: readonly string[], options: ProgramOptions = {}): Program {
    return startProgram([TSRUN, "--root", this.root, ...words], options);
  }

  /** Runs the built program on this site's state root. */
  async run(...words: readonly string[]): Promise<Outcome> {
    return await this.start(words).outcome;
  }

  /** Runs the built program, which has to succeed without a word. Gives its output. */
  async ok(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(...words);
    expect({ words, status, stderr }).to.deep.equal({ words, status: 0, stderr: "" });
    return stdout;
  }

  /** The status that `state` gives of a container. */
  async status(id: string): Promise<unknown> {
    return (await this.state(id))["status"];
  }

  /** What `state` gives of a container. */
  async state(id: string): Promise<Record<string, unknown>> {
    // The output is asserted on by those who ask for it.
    return JSON.parse(await this.ok("state", id)) as Record<string, unknown>;
  }

  /** Waits until a container has a status. */
  async waitForStatus(id: string, status: string): Promise<void> {
    await waitUntil(`status ${status} of ${id}`, async () => (await this.status(id)) === status);
  }

  /** `count` descriptors of the host's root, for a program to inherit; `work` has them open. */
  async withHostDescriptors(count: number, work: (descriptors: readonly number[]) => Promise<void>): Promise<void> {
    const descriptors = Array.from({ length: count }, () => openSync("/", "r"));
    try {
      await work(descriptors);
    } finally {
      for (const fd of descriptors) closeSync(fd);
    }
  }

  /** Notes what is there, for `expectNothingLeft`. */
  begin(): void {
    this.#before = takeCensus(this);
  }

  /** Fails when something is there that was not there at `begin`. What was killed may take a moment to go. */
  async expectNothingLeft(): Promise<void> {
    // The directory of the tag is the parent of all, as the cgroup of an engine would be.
    const own = new RegExp(`/${this.tag}$`);
    const left = (): Census => {
      const now = takeCensus(this);
      return { ...now, cgroups: now.cgroups.filter((path) => !own.test(path)) };
    };
    const before = { ...this.#before, cgroups: this.#before.cgroups.filter((path) => !own.test(path)) };
    const same = () => Bun.deepEquals(withoutRoot(left(), this.root), withoutRoot(before, this.root));
    await waitUntil("end", same, SETTLE_MS).catch(() => undefined);
    expect(withoutRoot(left(), this.root)).to.deep.equal(withoutRoot(before, this.root));
  }

  /** Removes whatever is left, in whatever state a failed test left it. */
  async close(): Promise<void> {
    for (const pid of processesIn(this.tag)) this.options.kernel.call("kill", pid, 9);
    await waitUntil("end of the processes", () => processesIn(this.tag).length === 0);
    const cgroups = directoriesNamed("/sys/fs/cgroup", this.tag).toReversed();
    for (const path of cgroups) {
      await waitUntil(`removal of ${path}`, () => this.options.kernel.call("unlinkat", -100, path, 0x200) !== -16);
    }
    rmSync(this.folder, { recursive: true });
  }
}

/** The state root itself stays, as its parent would, and so does its cache of filters. */
function withoutRoot(census: Census, root: string): Census {
  const stays = (path: string) => path === root || path.startsWith(`${root}/@seccomp`);
  return { ...census, stateFiles: census.stateFiles.filter((path) => !stays(path)) };
}
