import { api } from "../../../lib/client/api.ts";
import { listContainers } from "../../../lib/client/tasks.ts";
import { ctrCommand } from "../command.ts";
import { formatFlag, printJson } from "../listing.ts";

export const infoCommand = ctrCommand({
  name: "info",
  summary: "say what the daemon is, and how much it has",
  description: "Counts are those of the namespace.",
  args: {},
  flags: { format: formatFlag },
  run: async (context, _args, { format }) => {
    const client = await context.connect();
    const [{ version }, { uuid, pid }, { plugins }, listed, { images }, { namespaces }] = await Promise.all([
      client.call(api.version.get, {}),
      client.call(api.introspection.server, {}),
      client.call(api.introspection.plugins, {}),
      listContainers(client),
      client.call(api.images.list, {}),
      client.call(api.namespaces.list, {}),
    ]);
    const count = (status: string) => listed.filter((each) => each.status === status).length;
    const snapshotters = plugins
      .filter(({ type, initErr }) => type === "io.containerd.snapshotter.v1" && initErr === null)
      .map(({ id }) => id)
      .sort();
    const info = {
      address: context.address,
      version,
      uuid,
      // containerd before 1.7 does not say.
      ...(Number(pid) === 0 ? {} : { pid: Number(pid) }),
      namespaces: namespaces.map(({ name }) => name).sort(),
      namespace: context.namespace,
      containers: {
        ...{ total: listed.length, running: count("running"), paused: count("paused") },
        ...{ stopped: count("stopped"), created: count("created") },
      },
      images: images.length,
      snapshotters,
    };
    if (format === "json") await printJson(context, info);
    else await context.print(describe(info));
    return 0;
  },
});

function describe(info: Readonly<Record<string, unknown>>, indent = ""): string {
  return Object.entries(info)
    .map(([key, value]) => {
      const title = `${indent}${key}:`;
      if (Array.isArray(value)) return `${title} ${value.join(", ")}\n`;
      const isGroup = typeof value === "object" && value !== null;
      return isGroup ? `${title}\n${describe({ ...value }, `${indent}  `)}` : `${title} ${value}\n`;
    })
    .join("");
}
