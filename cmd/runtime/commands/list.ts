import type { ContainerState as ContainerListEntry } from "../../../lib/runtime/container-status.ts";
import { command } from "../../command.ts";
import { boolean, oneOf } from "../../flags.ts";
import { formatColumns } from "../columns.ts";
import type { RuntimeContext } from "../context.ts";
import { goJson, stateFields } from "../state-json.ts";

export const listCommand = command({
  name: "list",
  summary: "list the containers of the given --root",
  examples: [
    { command: "list", summary: "as a table" },
    { command: "list --format json", summary: "as a JSON array of states" },
    { command: "list -q", summary: "ids only" },
  ],
  args: {},
  flags: {
    format: oneOf(["table", "json"], "how to print them", { short: "f", label: "FORMAT" }),
    quiet: boolean("print ids only", { short: "q" }),
  },
  run: async (context: RuntimeContext, _args, flags) => {
    const { list } = await import("../../../lib/runtime/list.ts");
    await context.print(renderList(list(context.options), flags));
    return 0;
  },
});

/** The output of `list`, byte for byte runc's. */
export function renderList(
  entries: readonly ContainerListEntry[],
  { format, quiet }: { readonly format: "table" | "json"; readonly quiet: boolean },
): string {
  if (quiet) return entries.map(({ id }) => `${id}\n`).join("");
  if (format === "json") {
    const states = entries.map((entry) => stateFields(entry, entry.owner));
    return `${goJson(states.length === 0 ? null : states)}\n`;
  }
  const rows = entries.map(({ id, pid = 0, status, bundle, created, owner }) => [
    id,
    String(pid),
    status,
    bundle,
    created,
    owner,
  ]);
  return formatColumns([["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"], ...rows]);
}
