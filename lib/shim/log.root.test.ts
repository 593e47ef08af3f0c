import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { AT_FDCWD, OPEN } from "../linux/constants/files.ts";
import { openKernel } from "../linux/kernel.ts";
import type { FullConfig } from "../testing/runtime-bundle.ts";
import { useSite } from "../testing/runtime-hooks.ts";
import { waitUntil } from "../testing/runtime-poll.ts";
import { LONG, type Site } from "../testing/runtime-site.ts";
import { callShim, execSpec, ShimClient } from "../testing/shim-client.ts";

interface Entry {
  readonly log: string;
  readonly stream: string;
  readonly time: string;
}

/** What the files of a log say, the oldest first. */
function entriesOf(...paths: readonly string[]): readonly Entry[] {
  return paths.flatMap((path) =>
    readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line): Entry => JSON.parse(line)),
  );
}

function textOf(entries: readonly Entry[], stream?: string): string {
  return entries.flatMap((entry) => (stream === undefined || entry.stream === stream ? [entry.log] : [])).join("");
}

/** A task with a log, in a shim of its own. */
class Trial {
  readonly id: string;
  readonly client: ShimClient;
  readonly bundle: string;

  private constructor(id: string, client: ShimClient, bundle: string) {
    this.id = id;
    this.client = client;
    this.bundle = bundle;
  }

  static async open(site: Site, args: readonly string[], terminal = false): Promise<Trial> {
    const id = `${site.tag}-log`;
    const edit = (config: FullConfig) => ({ ...config, process: { ...config.process, terminal } });
    const bundle = site.bundle(args, edit);
    Bun.spawnSync({ cmd: ["mkfifo", `${bundle}/log`] });
    const { stdout: url } = await callShim(["-id", id, "start"], { cwd: bundle, address: "" });
    return new Trial(id, await ShimClient.open(url), bundle);
  }

  /** Makes the task and starts it. */
  async start(uri: string, { terminal = false, stderr = uri } = {}): Promise<void> {
    const { id, bundle, client } = this;
    await client.create({ id, bundle, stdin: "", stdout: uri, stderr: terminal ? "" : stderr, terminal });
    await client.start(id);
  }

  /** Removes the task and its shim. */
  async end(): Promise<void> {
    const { id, client } = this;
    await client.kill(id, 9).catch(() => undefined);
    await client.wait(id);
    await client.delete(id);
    await client.shutdown(id);
    await waitUntil("end of the shim", () => client.isClosed);
  }
}

describe("containerd-shim-tsrun-v2, with a json-file log", () => {
  const checked = useSite();

  it(
    "has written everything when it tells the end, of both streams and without a last newline",
    checked(async (site) => {
      const trial = await Trial.open(site, ["sh", "-c", 'echo out; echo "err é" >&2; printf end']);
      const path = `${site.folder}/logs of it/json.log`;
      await trial.start(`json-file://${path.replaceAll(" ", "%20")}`);
      await trial.client.wait(trial.id);
      const entries = entriesOf(path);
      expect(textOf(entries, "stdout")).to.equal("out\nend");
      expect(textOf(entries, "stderr")).to.equal("err é\n");
      for (const { time } of entries) expect(time).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
      await trial.end();
    }),
  );

  it(
    "loses no byte of much output, rotated",
    checked(async (site) => {
      const script = "i=0; while [ $i -lt 400 ]; do seq $((i*500)) $((i*500+499)); i=$((i+1)); done";
      const trial = await Trial.open(site, ["sh", "-c", script]);
      const path = `${site.folder}/much/log`;
      await trial.start(`json-file://${path}?max-size=2m&max-file=20`);
      await trial.client.wait(trial.id);
      const names = readdirSync(`${site.folder}/much`).sort((a, b) => numberOf(b) - numberOf(a));
      expect(names.length).to.be.greaterThan(5);
      const files = names.map((name) => `${site.folder}/much/${name}`);
      const expected = Array.from({ length: 200_000 }, (_, index) => `${index}\n`).join("");
      expect(textOf(entriesOf(...files)) === expected).to.equal(true);
      await trial.end();
    }),
  );

  it(
    "logs what a terminal shows",
    checked(async (site) => {
      const trial = await Trial.open(site, ["sh", "-c", "echo one; echo two >&2; test -t 0 && tty"], true);
      const path = `${site.folder}/terminal.log`;
      await trial.start(`json-file://${path}`, { terminal: true });
      await trial.client.wait(trial.id);
      await trial.client.delete(trial.id);
      expect(textOf(entriesOf(path), "stdout")).to.equal("one\r\ntwo\r\n/dev/pts/0\r\n");
      await trial.client.shutdown(trial.id);
      await waitUntil("end of the shim", () => trial.client.isClosed);
    }),
  );

  it(
    "logs an exec, too, and only what it wrote itself when it leaves somebody behind",
    checked(async (site) => {
      const trial = await Trial.open(site, LONG);
      const uri = `json-file://${site.folder}/exec.log`;
      await trial.start(uri);
      const { id, client } = trial;
      const spec = execSpec(["sh", "-c", "sleep 1000 & echo from an exec"]);
      await client.exec({ id, execId: "e", stdin: "", stdout: uri, stderr: uri, terminal: false, spec });
      await client.start(id, "e");
      await client.wait(id, "e");
      expect(textOf(entriesOf(`${site.folder}/exec.log`))).to.equal("from an exec\n");
      await client.delete(id, "e");
      await trial.end();
    }),
  );

  it(
    "runs the container though the log cannot be written, and says so",
    checked(async (site) => {
      const trial = await Trial.open(site, ["sh", "-c", "seq 100000; exit 7"]);
      const log = new Uint8Array(4096);
      const kernel = openKernel();
      // An end for reading, as containerd has it.
      const reader = kernel.call("openat", AT_FDCWD, `${trial.bundle}/log`, OPEN.O_NONBLOCK, 0);
      writeFileSync(`${site.folder}/file`, "");
      await trial.start(`json-file://${site.folder}/file/log`);
      expect((await trial.client.wait(trial.id)).exitStatus).to.equal(7);
      await trial.end();
      const bytes = kernel.call("read", reader, log, log.length);
      kernel.call("close", reader);
      const said = new TextDecoder().decode(log.subarray(0, Math.max(bytes, 0)));
      expect(said).to.match(/level=warning msg="output is lost until it can be written: .*ENOTDIR/);
      expect(said).to.match(/msg="\d+ bytes of the log .* are lost"/);
    }),
  );

  it(
    "refuses what no log can be made of",
    checked(async (site) => {
      const trial = await Trial.open(site, LONG);
      const { id, bundle, client } = trial;
      mkdirSync(`${site.folder}/d`);
      const create = async (stdout: string, stderr: string) => {
        try {
          await client.create({ id, bundle, stdin: "", stdout, stderr, terminal: false });
          return "created";
        } catch (error) {
          return String(error);
        }
      };
      const uri = `json-file://${site.folder}/d/log`;
      expect(await create(`${uri}?max-size=big`, `${uri}?max-size=big`)).to.match(/max-size "big" must be a number/);
      expect(await create(uri, `file://${site.folder}/d/other`)).to.match(/a log takes both, or standard output alone/);
      expect(await create("", uri)).to.match(/a log takes both/);
      expect(await create("json-file://relative", "")).to.match(/its path must be absolute/);
      expect(readdirSync(`${site.folder}/d`)).to.deep.equal([]);
      await client.shutdown(id);
      await waitUntil("end of the shim", () => client.isClosed);
    }),
  );
});

function numberOf(name: string): number {
  return Number(name.split(".")[1] ?? 0);
}
