import { join } from "node:path";
import { IMAGE } from "../containerd/image.ts";
import { waitUntil } from "../harness/poll.ts";
import type { Tally } from "../harness/tally.ts";
import { judge } from "./disk.ts";
import { type Setting, Site } from "./site.ts";

/** How many go away at once, and how long after they came. */
const CLIENTS = 16;
const MAX_DELAY_MS = 500;
/** Descriptors that a daemon may have open or not. */
const FD_SLACK = 5;

/** Clients of every kind that are killed in the midst of what they ask: the daemon keeps nothing of them. */
export async function loseClients(setting: Setting, tally: Tally): Promise<void> {
  const site = new Site(setting, join(setting.folder, "clients"));
  await site.daemon.start();
  try {
    await judge(tally, `${CLIENTS} clients that go away, ${setting.rounds} times`, async () => {
      await site.ok("images", "import", setting.archive);
      await site.ok("run", "--rm", IMAGE, `${setting.tag}-first`, "true");
      const before = site.descriptors();
      for (let round = 0; round < setting.rounds; round++) await loseSome(setting, site, round);
      await waitUntil("end of descriptors", () => site.descriptors() <= before + FD_SLACK);
      // It serves as before.
      await site.ok("images", "import", setting.archive);
      await site.ok("run", "--rm", IMAGE, `${setting.tag}-last`, "true");
      await site.expectNothingLeft();
    });
    await judge(tally, "the store is whole after clients went away", async () => {
      await site.daemon.stop("SIGTERM");
      await site.fsck({ orphans: "forbidden" });
    });
  } finally {
    await site.daemon.stop("SIGTERM");
  }
}

async function loseSome({ tag, archive, random }: Setting, site: Site, round: number): Promise<void> {
  const ids: string[] = [];
  const asks: readonly ((id: string) => readonly string[])[] = [
    () => ["events"],
    (id) => ["run", "--rm", IMAGE, id, "sleep", "1000"],
    () => ["images", "import", archive],
    (id) => ["run", "--detach", IMAGE, id, "sleep", "1000"],
  ];
  const clients = Array.from({ length: CLIENTS }, async (_, n) => {
    const id = `${tag}-c${round}-${n}`;
    ids.push(id);
    const client = site.startCtr(...(asks[n % asks.length]?.(id) ?? []));
    await Bun.sleep(random() * MAX_DELAY_MS);
    client.signal("SIGKILL");
    await client.outcome;
  });
  await Promise.all(clients);
  for (const id of ids) await site.remove(id);
  await site.expectNothingLeft();
}
