import type { ContainerVolumes, VolumeUse } from "../../lib/client/volumes/fill.ts";
import { ContainerError } from "../../lib/errors.ts";
import { exists, makeDirectories } from "../../lib/linux/files.ts";
import type { Mount } from "../../lib/spec/config.ts";
import type { CtrContext } from "./context.ts";
import { type ContainerFlags, parseTmpfs } from "./run-flags.ts";
import { parseVolume, type VolumeFlag } from "./volume-flag.ts";

/** What a container has mounted by its options, and the volumes among that. */
export interface ChosenMounts {
  readonly mounts: readonly Mount[];
  readonly volumes: ContainerVolumes | undefined;
}

const OPEN_TO_ALL = 0o755;

/** `--volume` and `--tmpfs`. @throws {ContainerError} */
export async function chooseMounts(
  context: CtrContext,
  { volume, tmpfs }: Pick<ContainerFlags, "volume" | "tmpfs">,
): Promise<ChosenMounts> {
  const given = volume.map((each) => parseVolume(each, context.cwd));
  const binds = given.flatMap((each) => (each.kind === "bind" ? [each.mount] : []));
  const named = given.flatMap((each) => (each.kind === "volume" ? [each] : []));
  const { mounts, volumes } = named.length === 0 ? NO_VOLUMES : await chooseVolumes(context, named);
  const all = [...binds, ...mounts, ...tmpfs.map(parseTmpfs)];
  checkTargets(all);
  // As docker has it: a directory of the host that is not there is made.
  for (const { source = "" } of binds) if (!exists(context.kernel, source)) makeSource(context, source);
  return { mounts: all.toSorted((a, b) => depthOf(a) - depthOf(b)), volumes };
}

const NO_VOLUMES: ChosenMounts = { mounts: [], volumes: undefined };

type NamedVolume = Extract<VolumeFlag, { kind: "volume" }>;

async function chooseVolumes(context: CtrContext, given: readonly NamedVolume[]): Promise<ChosenMounts> {
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

function makeSource({ kernel }: CtrContext, source: string): void {
  makeDirectories(kernel, source, OPEN_TO_ALL);
}

function checkTargets(mounts: readonly Mount[]): void {
  const seen = new Set<string>();
  for (const { destination } of mounts) {
    if (seen.has(destination)) {
      throw new ContainerError("invalid_argument", `--volume and --tmpfs: two mounts have the target ${destination}`);
    }
    seen.add(destination);
  }
}

/** A mount comes before those that are in it. */
function depthOf({ destination }: Mount): number {
  return destination.split("/").filter((name) => name !== "").length;
}
