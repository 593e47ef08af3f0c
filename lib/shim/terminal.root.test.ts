import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { expect } from "chai";
import { waitUntil } from "../testing/runtime-poll.ts";
import { requireRoot } from "../testing/runtime-site.ts";
import { ShimSite } from "../testing/shim-site.ts";

/** What can be read now: "" at the end, undefined where something may still come. */
function readIfAny(fd: number): string | undefined {
  const bytes = Buffer.alloc(64);
  try {
    return bytes.toString("utf8", 0, readSync(fd, bytes));
  } catch {
    return undefined;
  }
}

describe("a task with a terminal", () => {
  let shims: ShimSite;

  before(function () {
    requireRoot(this);
    shims = new ShimSite();
  });

  after(() => shims.close());

  /** A task that has been started, and the reader of its terminal's FIFO. */
  const start = async (script: string) => {
    const { site } = shims;
    const id = shims.nextId();
    const fifo = `${site.folder}/screen-${id}`;
    execFileSync("mkfifo", [fifo]);
    const reader = openSync(fifo, constants.O_RDONLY + constants.O_NONBLOCK);
    const bundle = site.bundle(["sh", "-c", script], (config) => ({
      ...config,
      process: { ...config.process, terminal: true },
    }));
    const client = await shims.open(await shims.start(id, bundle));
    await client.create({ id, bundle, stdin: "", stdout: fifo, stderr: "", terminal: true });
    await client.start(id);
    let text = "";
    const read = () => {
      const bytes = readIfAny(reader);
      text += bytes ?? "";
      return bytes;
    };
    const shown = () =>
      waitUntil("output", () => {
        // A process that ends by itself may have ended by now.
        read();
        return text === "shown\r\n";
      });
    const ended = () => waitUntil("end of the output", () => read() === "");
    const end = async () => {
      closeSync(reader);
      await client.delete(id);
      await client.shutdown(id);
      await waitUntil("end of the shim", () => client.isClosed);
    };
    return { id, client, shown, ended, end };
  };

  const cases = [
    { name: "has ended", script: "echo shown; sleep 0.2; exit 3", status: 3 },
    { name: "was killed while others have the terminal", script: "sleep 1000 & echo shown; wait", status: 137 },
  ];
  for (const { name, script, status } of cases) {
    it(`gives the reader its end when the process ${name}, not when it is deleted`, async () => {
      const { id, client, shown, ended, end } = await start(script);
      await shown();
      if (status === 137) await client.kill(id, 9);
      expect((await client.wait(id)).exitStatus).to.equal(status);
      await ended();
      await end();
    });
  }
});
