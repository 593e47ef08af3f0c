import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IMAGE } from "../containerd/image.ts";
import type { HostNetwork } from "../harness/host-network.ts";
import { waitUntil } from "../harness/poll.ts";
import { type Outcome, run, start } from "../harness/process.ts";
import type { Tsrund } from "../supervisor/tsrund.ts";
import { remainsIn } from "./remains.ts";

const SETTLE_MS = 60_000;

/** A daemon in a network of its own, and ctr. */
export class Site {
  readonly daemon: Tsrund;
  readonly network: HostNetwork;
  readonly tag: string;
  #before: readonly string[] = [];

  constructor(network: HostNetwork, daemon: Tsrund, tag: string) {
    this.network = network;
    this.daemon = daemon;
    this.tag = tag;
  }

  ctr(...words: readonly string[]): Promise<Outcome> {
    return run(["ctr", "--address", this.daemon.address, ...words], { scratch: this.daemon.folder });
  }

  /** @throws {Error} with what ctr says */
  async ok(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.ctr(...words);
    if (status !== 0) throw new Error(`ctr ${words.join(" ")}: exit ${status}: ${stderr.trim()}`);
    return stdout;
  }

  /** Options of `ctr run` that ask for networks. */
  labels(fields: Readonly<Record<string, string>>): readonly string[] {
    return Object.entries(fields).flatMap(([name, value]) => ["--label", `tsrun.dev/${name}=${value}`]);
  }

  /** A web server that answers with its name, on port 80 of its container. Gives its first address. */
  async serve(name: string, fields: Readonly<Record<string, string>>): Promise<string> {
    const id = `${this.tag}-${name}`;
    const script = `mkdir -p /www; echo ${name} > /www/index.html; exec httpd -f -p 80 -h /www`;
    await this.ok("run", "--detach", ...this.labels(fields), IMAGE, id, "sh", "-c", script);
    const addresses = await this.ok("tasks", "exec", "--exec-id", "a", id, "ip", "-4", "addr", "show", "eth0");
    const address = /inet ([\d.]+)/.exec(addresses)?.[1];
    if (address === undefined) throw new Error(`${name} has no address: ${addresses}`);
    await waitUntil(`answer of ${name}`, async () => (await this.fetch(`${address}:80`)) === name, SETTLE_MS);
    return address;
  }

  /** What a web server answers to the host; what went wrong when it does not. */
  async fetch(where: string): Promise<string> {
    const [address = "", port = ""] = where.split(":");
    // bash(1) connects by itself: what comes after the head of the answer is the page.
    const script = `exec 3<>/dev/tcp/${address}/${port} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3`;
    const { stdout, stderr } = await this.network.run("timeout", "60", "bash", "-c", script);
    return stdout === "" ? stderr.trim() : (stdout.split("\r\n\r\n")[1] ?? stdout).trim();
  }

  /** What a command prints in a container that is gone when it has ended. */
  async once(name: string, fields: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<string> {
    return (await this.ok("run", "--rm", ...this.labels(fields), IMAGE, `${this.tag}-${name}`, ...words)).trim();
  }

  async remove(name: string): Promise<void> {
    const id = `${this.tag}-${name}`;
    await this.ctr("tasks", "rm", "--force", id);
    await this.ok("containers", "rm", id);
  }

  /** Removes all containers, whatever became of them. */
  async clear(): Promise<void> {
    for (const id of (await this.ok("containers", "ls", "--quiet")).split("\n").filter((line) => line !== "")) {
      await this.ctr("tasks", "rm", "--force", id);
      await this.ctr("containers", "rm", id);
    }
  }

  /** Starts a container on the network `held`, until the plugin waits. Gives what lets it go on. */
  async hold(name: string, fields: Readonly<Record<string, string>> = {}): Promise<() => void> {
    const id = `${this.tag}-${name}`;
    const labels = this.labels({ network: "held", ...fields });
    writeFileSync(this.hook("hold"), "");
    rmSync(this.hook("held"), { force: true });
    const words = ["--address", this.daemon.address, "run", "--detach", ...labels, IMAGE, id, "sleep", "1000"];
    const running = start(["ctr", ...words], { scratch: this.daemon.folder });
    await waitUntil("plugin", () => existsSync(this.hook("held")), SETTLE_MS);
    return () => {
      rmSync(this.hook("hold"), { force: true });
      running.signal("SIGKILL");
    };
  }

  /** A file by which the suite and its own plugin speak. */
  hook(name: string): string {
    return join(this.daemon.folder, `hook-${name}`);
  }

  /** Notes what is there, for {@link nothingLeft}. */
  async begin(): Promise<void> {
    this.#before = await this.network.things();
  }

  /** @throws {Error} with what is there that was not there at the beginning */
  async nothingLeft(): Promise<void> {
    const before = new Set(this.#before);
    const left = [
      ...(await this.network.things()).filter((line) => !before.has(line)),
      ...remainsIn(this.daemon.folder).filter((path) => !path.includes("/snapshots/")),
    ];
    if (left.length > 0) throw new Error(`left over:\n${left.join("\n")}`);
  }
}

/** @throws {Error} */
export function expectEqual(what: string, found: unknown, wanted: unknown): void {
  if (String(found) !== String(wanted)) throw new Error(`${what}: ${found}, must be ${wanted}`);
}

/** @throws {Error} */
export function expectMatch(what: string, found: string, wanted: RegExp): void {
  if (!wanted.test(found)) throw new Error(`${what}: ${found.trim()}, must match ${wanted}`);
}
