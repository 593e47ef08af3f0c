import { chownSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import type { Config } from "../spec/config.ts";
import { defaultConfig } from "../spec/default-config.ts";
import { type Outcome, startProgram, TSRUN } from "./runtime-program.ts";
import type { Site } from "./runtime-site.ts";

/** For tests: ids that nobody has. */
export const UID = 54_321;
export const GID = 54_322;

/** For tests: an ordinary user with a place in a site: bundles and XDG_RUNTIME_DIR are its own. */
export class User {
  readonly folder: string;
  readonly #site: Site;
  readonly #as: readonly string[];
  readonly #uid: number;
  readonly #gid: number;

  constructor(site: Site, { uid = UID, gid = GID, groups = "--clear-groups" } = {}) {
    this.#site = site;
    this.#uid = uid;
    this.#gid = gid;
    this.#as = ["setpriv", "--reuid", String(uid), "--regid", String(gid), ...groups.split(" ")];
    this.folder = mkdtempSync(`${site.folder}/user-`);
    chownSync(this.folder, uid, gid);
  }

  get root(): string {
    return `${this.folder}/tsrun`;
  }

  /** A bundle of the site with the config of `spec --rootless`; its rootfs is the user's. */
  bundle(args: readonly string[], edit: (config: Config) => unknown = (config) => config): string {
    const path = this.#site.bundle(args);
    const [uid, gid] = [this.#uid, this.#gid];
    const { process, ...config } = defaultConfig({ rootless: true, uid, gid, cgroupMode: "legacy" });
    const own = { ...config, root: { path: "rootfs" }, process: { cwd: "/", ...process, terminal: false, args } };
    writeFileSync(`${path}/config.json`, JSON.stringify(edit(own)));
    giveTree(path, uid, gid);
    return path;
  }

  async command(words: readonly string[]): Promise<Outcome> {
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", XDG_RUNTIME_DIR: this.folder };
    return await startProgram([...this.#as, ...words], { env }).outcome;
  }

  async run(...words: readonly string[]): Promise<Outcome> {
    return await this.command([TSRUN, ...words]);
  }

  async ok(...words: readonly string[]): Promise<string> {
    return succeeded(await this.run(...words));
  }

  /** Runs what has to fail with one line. Gives the line. */
  async refused(...words: readonly string[]): Promise<string> {
    const { status, stderr, stdout } = await this.run(...words);
    expect({ status, stdout, lines: stderr.split("\n").length }, stderr).to.deep.equal({
      status: 1,
      stdout: "",
      lines: 2,
    });
    return stderr;
  }

  expectNothingLeft(): void {
    expect(readdirSync(this.root)).to.deep.equal([]);
  }
}

/** For tests: what a program printed that has to have succeeded without a word of warning. */
export function succeeded({ status, stdout, stderr }: Outcome): string {
  expect({ status, stderr }).to.deep.equal({ status: 0, stderr: "" });
  return stdout;
}

function giveTree(path: string, uid: number, gid: number): void {
  chownSync(path, uid, gid);
  for (const entry of readdirSync(path, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory()) chownSync(`${entry.parentPath}/${entry.name}`, uid, gid);
  }
}
