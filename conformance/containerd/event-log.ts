import { waitUntil } from "../harness/poll.ts";
import type { Running } from "../harness/process.ts";
import type { Daemon } from "./daemon.ts";

/** One event as `ctr events` prints it. */
export interface SeenEvent {
  readonly topic: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

let probes = 0;

/** What containerd tells those who listen. */
export class EventLog {
  readonly #program: Running;

  private constructor(program: Running) {
    this.#program = program;
  }

  /** Listens from when this returns. */
  static async open(daemon: Daemon): Promise<EventLog> {
    const log = new EventLog(daemon.spawn("events"));
    await waitUntil("first event", async () => {
      probes += 1;
      await daemon.ctr("namespaces", "create", `probe${probes}`);
      await daemon.ctr("namespaces", "remove", `probe${probes}`);
      return log.#program.output() !== "";
    });
    return log;
  }

  /** The events of one container's task, in their order. */
  of(id: string): readonly SeenEvent[] {
    return this.#program
      .output()
      .split("\n")
      .flatMap((line) => {
        const match = /(\/tasks\/\S+) (\{.*\})$/.exec(line);
        if (match === null) return [];
        // ctr prints the fields of the event as JSON.
        const fields = JSON.parse(match[2] ?? "{}") as Record<string, unknown>;
        return fields["container_id"] === id ? [{ topic: match[1] ?? "", fields }] : [];
      });
  }

  /** Waits for an event of a container. */
  async waitFor(id: string, topic: string): Promise<void> {
    await waitUntil(`${topic} of ${id}`, () => this.of(id).some((event) => event.topic === topic));
  }

  async close(): Promise<void> {
    this.#program.signal("SIGTERM");
    await this.#program.outcome;
  }
}
