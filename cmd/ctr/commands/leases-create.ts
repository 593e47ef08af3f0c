import { api } from "../../../lib/client/api.ts";
import { parseDuration } from "../../duration.ts";
import { text } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { anyNumber } from "../each.ts";
import { parseLabels } from "../labels.ts";

export const leasesCreateCommand = ctrCommand({
  name: "leases create",
  summary: "make a lease, and print its id",
  args: { labels: { ...anyNumber("key=value", "its labels"), parse: parseLabels } },
  flags: {
    id: text("its id; made up if not given", { label: "ID" }),
    expires: {
      summary: "how long it keeps things; without, until it is removed",
      kind: "text",
      label: "TIME",
      parse: (texts: readonly string[]) => (texts.length === 0 ? undefined : parseDuration(texts.at(-1) ?? "")),
    },
  },
  run: async (context, { labels }, { id, expires }) => {
    const client = await context.connect();
    const expiry =
      expires === undefined
        ? {}
        : { "containerd.io/gc.expire": new Date(context.now() + expires).toISOString().replace(/\.\d+Z$/, "Z") };
    const request = { id: id ?? crypto.randomUUID(), labels: { ...labels, ...expiry } };
    const { lease } = await client.call(api.leases.create, request);
    await context.print(`${lease?.id}\n`);
    return 0;
  },
});
