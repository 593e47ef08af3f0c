import { Site } from "./runtime-site.ts";
import { callShim, EventSink, ShimClient } from "./shim-client.ts";

/** For tests: bundles, the built shim for them, what takes its events, and the clients that were opened. */
export class ShimSite {
  readonly site = new Site();
  readonly sink: EventSink = new EventSink(`${this.site.folder}/events`);
  readonly #clients: ShimClient[] = [];
  #serial = 0;

  /** An id that no other task of this test has. */
  nextId(): string {
    this.#serial += 1;
    return `${this.site.tag}-s${this.#serial}`;
  }

  /** Calls the shim with `start`, as containerd does. Gives what it prints: its address. @throws {Error} with what it says */
  async start(id: string, bundle: string): Promise<string> {
    const { status, stdout, stderr } = await callShim(["-id", id, "start"], { cwd: bundle, address: this.sink.path });
    if (status !== 0 || stderr !== "") throw new Error(`start of the shim: exit ${status}: ${stderr}`);
    return stdout;
  }

  /** A client that is closed with the site. */
  async open(url: string, version: 2 | 3 = 2): Promise<ShimClient> {
    const client = await ShimClient.open(url, version);
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    this.sink[Symbol.dispose]();
    await this.site.close();
  }
}
