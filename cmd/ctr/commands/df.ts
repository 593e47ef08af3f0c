import { api } from "../../../lib/client/api.ts";
import type { Client } from "../../../lib/client/client.ts";
import { DEFAULT_SNAPSHOTTER } from "../../../lib/client/images/snapshots.ts";
import { listContainers } from "../../../lib/client/tasks.ts";
import { usersOfVolumes } from "../../../lib/client/volumes/use.ts";
import { listVolumes, volumesDirectory } from "../../../lib/client/volumes/volume.ts";
import { ctrCommand } from "../command.ts";
import type { CtrContext } from "../context.ts";
import { formatFlag, printList } from "../listing.ts";
import { snapshotterFlag } from "../snapshotter-flag.ts";
import { sizeText } from "../units.ts";

/** What things of one kind take on the disk. */
interface Use {
  readonly kind: string;
  readonly count: number;
  /** Those that something refers to, or that run. */
  readonly active: number | undefined;
  /** Undefined: not measured. */
  readonly bytes: number | undefined;
}

export const dfCommand = ctrCommand({
  name: "df",
  summary: "say what images, containers and volumes of the namespace take on the disk",
  description:
    "CONTENT is what registries have sent, LAYERS what was unpacked of it, each once however many share it. Volumes are counted, " +
    "not measured.",
  args: {},
  flags: { snapshotter: snapshotterFlag, format: formatFlag },
  run: async (context, _args, { snapshotter = DEFAULT_SNAPSHOTTER, format }) => {
    const client = await context.connect();
    const uses = await measure(context, client, snapshotter);
    const size = (bytes: number | undefined) => (bytes === undefined ? "" : sizeText(bytes));
    await printList(context, uses, {
      format,
      columns: [
        { title: "KIND", cell: ({ kind }) => kind },
        { title: "COUNT", cell: ({ count }) => String(count), isRight: true },
        { title: "ACTIVE", cell: ({ active }) => (active === undefined ? "" : String(active)), isRight: true },
        { title: "SIZE", cell: ({ bytes }) => size(bytes), isRight: true },
      ],
      describe: (use) => use,
    });
    return 0;
  },
});

async function measure(context: CtrContext, client: Client, snapshotter: string): Promise<readonly Use[]> {
  const [listed, { images }, blobs, snapshots, volumes] = await Promise.all([
    listContainers(client),
    client.call(api.images.list, {}),
    contentSizes(client),
    snapshotSizes(client, snapshotter),
    findVolumes(context, client),
  ]);
  const used = new Set(listed.map(({ container }) => container.image));
  const running = listed.filter(({ status }) => status === "running" || status === "paused");
  const ofContainers = new Set(listed.map(({ container }) => container.snapshotKey));
  const [own, layers] = [true, false].map((isOwn) => snapshots.filter(({ key }) => ofContainers.has(key) === isOwn));
  return [
    {
      kind: "images",
      count: images.length,
      active: images.filter(({ name }) => used.has(name)).length,
      bytes: undefined,
    },
    { kind: "content", count: blobs.length, active: undefined, bytes: sum(blobs) },
    { kind: "layers", count: layers?.length ?? 0, active: undefined, bytes: sum(layers?.map(({ bytes }) => bytes)) },
    { kind: "containers", count: listed.length, active: running.length, bytes: sum(own?.map(({ bytes }) => bytes)) },
    { kind: "volumes", ...volumes, bytes: undefined },
  ];
}

function sum(sizes: readonly number[] = []): number {
  return sizes.reduce((total, size) => total + size, 0);
}

async function contentSizes(client: Client): Promise<readonly number[]> {
  const sizes: number[] = [];
  for await (const { info } of client.stream(api.content.list, {})) sizes.push(...info.map(({ size }) => Number(size)));
  return sizes;
}

async function snapshotSizes(client: Client, snapshotter: string) {
  const keys: string[] = [];
  for await (const { info } of client.stream(api.snapshots.list, { snapshotter }))
    keys.push(...info.map(({ name }) => name));
  return await Promise.all(
    keys.map(async (key) => ({
      key,
      bytes: Number((await client.call(api.snapshots.usage, { snapshotter, key })).size),
    })),
  );
}

async function findVolumes({ kernel }: CtrContext, client: Client) {
  const directory = await volumesDirectory(client);
  const [all, users] = [listVolumes(kernel, directory), await usersOfVolumes(client, directory)];
  return { count: all.length, active: all.filter(({ name }) => users.has(name)).length };
}
