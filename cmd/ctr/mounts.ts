import type { ContainerMounts, Creation } from "../../lib/client/create.ts";
import type { VolumeUse } from "../../lib/client/volumes/fill.ts";
import { ContainerError } from "../../lib/errors.ts";
import { exists, makeDirectories } from "../../lib/linux/files.ts";
import type { Mount } from "../../lib/spec/config.ts";
import { absolutePath } from "../path.ts";
import type { CtrContext } from "./context.ts";
import { type ContainerFlags, parseTmpfs } from "./run-flags.ts";
import { parseVolume, type VolumeFlag } from "./volume-flag.ts";

const OPEN_TO_ALL = 0o755;

/** `--volume`, `--mount` and `--tmpfs`, and a volume without a name for each that the image wants. @throws {ContainerError} */
export async function chooseMounts(
  context: CtrContext,
  { volume, mount, tmpfs }: Pick<ContainerFlags, "volume" | "mount" | "tmpfs">,
): Promise<Creation["mounts"]> {
  const given = [
    ...volume.map((each) => parseVolume(each, context.cwd)),
    ...(mount.length === 0 ? [] : await parseMounts(context, mount)),
  ];
  const plain = given.flatMap((each) => (each.kind === "volume" ? [] : [each.mount]));
  const named = given.flatMap((each) => (each.kind === "volume" ? [each] : []));
  const others = [...plain, ...tmpfs.map(parseTmpfs)];
  checkTargets([...others.map(({ destination }) => destination), ...named.map(({ target }) => target)]);
  for (const each of given) if (each.kind === "bind") settleSource(context, each);
  return async ({ volumes: wanted }) => {
    const taken = new Set([...others.map(({ destination }) => destination), ...named.map(({ target }) => target)]);
    const all = [...named, ...wanted.flatMap((path) => volumeOfImage(path, taken))];
    const { mounts, volumes } = all.length === 0 ? NO_VOLUMES : await chooseVolumes(context, all);
    return { mounts: [...others, ...mounts].toSorted((a, b) => depthOf(a) - depthOf(b)), volumes };
  };
}

const NO_VOLUMES: ContainerMounts = { mounts: [], volumes: undefined };

type NamedVolume = Extract<VolumeFlag, { kind: "volume" }>;

/** image-spec § config.Volumes: what is written there is to be kept apart from the root, unless something is mounted there. */
function volumeOfImage(path: string, taken: Set<string>): readonly NamedVolume[] {
  const target = absolutePath("/", path);
  if (target === "/" || taken.has(target)) return [];
  taken.add(target);
  return [{ kind: "volume", name: undefined, target, options: ["rbind", "rprivate"], isFilled: true }];
}

async function parseMounts({ cwd }: CtrContext, given: readonly string[]): Promise<readonly VolumeFlag[]> {
  const { parseMount } = await import("./mount-flag.ts");
  return given.map((each) => parseMount(each, cwd));
}

async function chooseVolumes(context: CtrContext, given: readonly NamedVolume[]): Promise<ContainerMounts> {
  const { anonymousName, checkVolumeName, DATA, volumesDirectory } = await import("../../lib/client/volumes/volume.ts");
  const directory = await volumesDirectory(await context.connect());
  const chosen = given.map(({ name = anonymousName(), target, options, isFilled }, index) => {
    checkVolumeName(name);
    const isAnonymous = given[index]?.name === undefined;
    const use: VolumeUse = { name, isAnonymous, labels: {}, target, isFilled };
    const mount: Mount = { destination: target, type: "bind", source: `${directory}/${name}/${DATA}`, options };
    return { use, mount };
  });
  return {
    mounts: chosen.map(({ mount }) => mount),
    volumes: { directory, uses: chosen.map(({ use }) => use) },
  };
}

/** As docker has it: a directory of the host that is not there is made for `--volume`, and missed for `--mount`. */
function settleSource({ kernel }: CtrContext, { mount: { source = "" }, isMade }: BindFlag): void {
  if (exists(kernel, source)) return;
  if (isMade) makeDirectories(kernel, source, OPEN_TO_ALL);
  else throw new ContainerError("not_found", `--mount: there is no ${source} on this host; --volume would make it`);
}

type BindFlag = Extract<VolumeFlag, { kind: "bind" }>;

function checkTargets(targets: readonly string[]): void {
  const twice = targets.find((target, index) => targets.indexOf(target) < index);
  if (twice === undefined) return;
  const why = `two mounts have the target ${twice}`;
  throw new ContainerError("invalid_argument", `--volume, --mount and --tmpfs: ${why}`);
}

/** A mount comes before those that are in it. */
function depthOf({ destination }: Mount): number {
  return destination.split("/").filter((name) => name !== "").length;
}
