import type { Client } from "../../../lib/client/client.ts";
import { findContainer } from "../../../lib/client/containers.ts";
import { compareUsage, readUsage, type Sample, type Usage } from "../../../lib/client/stats.ts";
import { findWindowSize } from "../../../lib/linux/terminal.ts";
import { boolean } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import type { CtrContext } from "../context.ts";
import { anyNumber } from "../each.ts";
import { type Format, formatFlag } from "../listing.ts";
import { renderTable } from "../table.ts";
import { memoryText, sizeText } from "../units.ts";

const INTERVAL_MS = 1000;
const STDOUT = 1;
/** console_codes(4): to the upper left corner; clear from there to the end, and to the end of a line. */
const HOME = "\u001b[H";
const CLEAR = "\u001b[J";

export const statsCommand = ctrCommand({
  name: "stats",
  summary: "show what containers use, again each second, until interrupted",
  description:
    "Processor time is that of the second before: 100% is one processor. NET I/O is what came and what went; of a container with the " +
    "host's network there is none of its own.",
  examples: [{ command: "stats --no-stream --format json web", summary: "once, for programs" }],
  args: { ids: anyNumber("container", "its id, or the begin of it (default: all that run)") },
  flags: { noStream: boolean("show it once"), format: formatFlag },
  run: async (context, { ids }, { noStream, format }) => {
    const client = await context.connect();
    const names = await Promise.all(ids.map(async (given) => (await findContainer(client, given)).id));
    const looks = look(context, client, names);
    // The first look has no second before it.
    await looks.next();
    for await (const sample of looks) {
      await show(context, sample, { format, isOnce: noStream });
      if (noStream) break;
    }
    return 0;
  },
});

async function* look(context: CtrContext, client: Client, ids: readonly string[]): AsyncGenerator<readonly Sample[]> {
  let before: ReadonlyMap<string, Usage> = new Map();
  let at = context.now();
  for (;;) {
    const now = context.now();
    const usage = await readUsage(client, context.kernel, ids);
    yield compareUsage(usage, before, now - at);
    before = new Map(usage.map((each) => [each.id, each]));
    at = now;
    await Bun.sleep(INTERVAL_MS);
  }
}

async function show(
  context: CtrContext,
  samples: readonly Sample[],
  { format, isOnce }: { readonly format: Format; readonly isOnce: boolean },
): Promise<void> {
  if (format === "json") {
    await context.print(samples.map((each) => `${JSON.stringify(each)}\n`).join(""));
    return;
  }
  const columns = findWindowSize(context.kernel, STDOUT)?.columns;
  const table = renderTable(COLUMNS, samples, columns);
  const isLive = !isOnce && columns !== undefined;
  await context.print(isLive ? `${HOME}${CLEAR}${table}` : table);
}

const COLUMNS = [
  { title: "ID", cell: ({ id }: Sample) => id, canShrink: true },
  { title: "CPU %", cell: ({ cpus }: Sample) => percent(cpus), isRight: true },
  { title: "MEM USAGE / LIMIT", cell: memoryCell, isRight: true },
  { title: "MEM %", cell: memoryShare, isRight: true },
  { title: "PIDS", cell: ({ pids }: Sample) => String(pids), isRight: true },
  { title: "NET I/O", cell: networkCell, isRight: true },
  { title: "BLOCK I/O", cell: ioCell, isRight: true },
];

function memoryCell({ memoryBytes, memoryLimitBytes }: Sample): string {
  const limit = memoryLimitBytes === undefined ? "-" : memoryText(memoryLimitBytes);
  return `${memoryText(memoryBytes)} / ${limit}`;
}

function memoryShare({ memoryBytes, memoryLimitBytes }: Sample): string {
  return percent(memoryLimitBytes === undefined ? undefined : memoryBytes / memoryLimitBytes);
}

function ioCell({ readBytes, writtenBytes }: Sample): string {
  return `${sizeText(readBytes)} / ${sizeText(writtenBytes)}`;
}

function networkCell({ network }: Sample): string {
  return network === undefined ? "" : `${sizeText(network.receivedBytes)} / ${sizeText(network.sentBytes)}`;
}

function percent(share: number | undefined): string {
  return share === undefined ? "" : `${(share * 100).toFixed(2)}%`;
}
