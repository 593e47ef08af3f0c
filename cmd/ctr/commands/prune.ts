import { api } from "../../../lib/client/api.ts";
import type { Client } from "../../../lib/client/client.ts";
import { removeWhole } from "../../../lib/client/remove.ts";
import { listContainers } from "../../../lib/client/tasks.ts";
import { boolean } from "../../flags.ts";
import { mayRemove } from "../ask.ts";
import { ctrCommand } from "../command.ts";
import type { CtrContext } from "../context.ts";
import { forEach } from "../each.ts";
import { fifoRoot } from "../places.ts";

/** Something that may go, and what removes it. */
interface Unused {
  readonly kind: "container" | "image";
  readonly name: string;
  readonly remove: () => Promise<unknown>;
}

export const pruneCommand = ctrCommand({
  name: "prune",
  summary: "remove containers that have ended or were never started, and print their names",
  description:
    "With --all also images that no other container is made of. It asks before. Volumes: tsctr volumes prune.",
  args: {},
  flags: {
    all: boolean("images that no container is made of, too", { short: "a" }),
    volumes: boolean("volumes without a name that were made for those containers, too"),
    force: boolean("do not ask", { short: "f" }),
  },
  run: async (context, _args, { all, volumes, force }) => {
    const client = await context.connect();
    const unused = await findUnused(context, client, { all, volumes });
    const names = unused.map(({ kind, name }) => `${kind} ${name}`);
    if (names.length === 0) return 0;
    if (!force && !(await mayRemove(context, { names, what: "object" }))) return 0;
    const byName = new Map(unused.map((each) => [`${each.kind} ${each.name}`, each]));
    return await forEach(context, names, async (name) => {
      await byName.get(name)?.remove();
      return name;
    });
  },
});

async function findUnused(
  context: CtrContext,
  client: Client,
  { all, volumes: withVolumes }: { readonly all: boolean; readonly volumes: boolean },
): Promise<readonly Unused[]> {
  const listed = await listContainers(client);
  const isOver = (status: string) => status === "stopped" || status === "created";
  const containers = listed
    .filter(({ status }) => isOver(status))
    .map(({ container }): Unused => {
      const options = { container, force: false, fifoRoot: fifoRoot(context), withVolumes };
      return { kind: "container", name: container.id, remove: () => removeWhole(client, context.kernel, options) };
    });
  if (!all) return containers;
  const used = new Set(listed.filter(({ status }) => !isOver(status)).map(({ container }) => container.image));
  const { images } = await client.call(api.images.list, {});
  const idle = images.filter(({ name }) => !used.has(name));
  return [
    ...containers,
    ...idle.map(
      ({ name }): Unused => ({
        kind: "image",
        name,
        remove: () => client.call(api.images.delete, { name, sync: true }),
      }),
    ),
  ];
}
