import { ContainerError } from "../../errors.ts";
import { FILE_TYPE } from "../../linux/constants/files.ts";
import { CLONE_NEW } from "../../linux/constants/processes.ts";
import { exists, findStatus, makeDirectories } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import type { Config } from "../../spec/config.ts";
import { CGROUPS_MODE, type CgroupsMode, type CriuOptions } from "./messages.ts";

/** What `checkpoint` and `restore` both can be asked for. */
export interface CriuSettings {
  /** Absolute path of the directory with the image files. */
  readonly imagePath: string;
  /** Absolute path of the directory with logs; the images' when not given. */
  readonly workPath: string | undefined;
  readonly tcpEstablished: boolean;
  readonly extUnixSk: boolean;
  readonly shellJob: boolean;
  readonly fileLocks: boolean;
  readonly manageCgroupsMode: CgroupsMode | undefined;
  readonly emptyNs: readonly string[];
  readonly autoDedup: boolean;
  readonly lazyPages: boolean;
}

const DIRECTORY_MODE = 0o700;

/** Makes the directory for logs, and with `images` that for images; both may be there. @throws {SyscallError} */
export function makeCriuDirectories(
  kernel: Kernel,
  { imagePath, workPath }: CriuSettings,
  { images }: { readonly images: boolean },
): void {
  if (images) makeDirectories(kernel, imagePath, DIRECTORY_MODE);
  if (workPath !== undefined) makeDirectories(kernel, workPath, DIRECTORY_MODE);
}

/** Where criu writes its log; a configuration file of the user's may want it elsewhere. */
export function logPath({ imagePath, workPath }: CriuSettings, name: string): string {
  return `${workPath ?? imagePath}/${name}`;
}

/** Devices and addresses of a network namespace are not ours to keep: whoever made them makes them again. */
const NOT_KEPT = CLONE_NEW.CLONE_NEWNET;

/** The options that both jobs give criu, but for the directories. */
export function commonOptions(config: Config, settings: CriuSettings, logFile: string): CriuOptions {
  refuseOtherNamespaces(settings.emptyNs);
  const { manageCgroupsMode: mode } = settings;
  return {
    logLevel: 4,
    logFile,
    notifyScripts: true,
    manageCgroups: true,
    manageCgroupsMode: mode === undefined ? undefined : CGROUPS_MODE[mode],
    shellJob: settings.shellJob,
    extUnixSk: settings.extUnixSk,
    tcpEstablished: settings.tcpEstablished,
    fileLocks: settings.fileLocks,
    emptyNs: NOT_KEPT,
    orphanPtsMaster: true,
    autoDedup: settings.autoDedup,
    lazyPages: settings.lazyPages,
    configFile: configFileOf(config),
  };
}

function refuseOtherNamespaces(names: readonly string[]): void {
  const other = names.find((name) => name !== "network");
  if (other === undefined) return;
  throw new ContainerError("invalid_argument", `namespace ${JSON.stringify(other)} is not supported: must be network`);
}

const CONFIG_ANNOTATION = "org.criu.config";
/** criu passes over one that is not there. */
const CONFIG_FILE = "/etc/criu/tsrun.conf";

/** What stands in criu's own configuration file outranks what we ask for; an empty annotation wants none. */
function configFileOf({ annotations = {} }: Config): string | undefined {
  const own = annotations[CONFIG_ANNOTATION];
  return own === undefined ? CONFIG_FILE : own || undefined;
}

/** `--parent-path`, which criu reads relative to the images. @throws {ContainerError} invalid_argument */
export function checkParentPath(kernel: Kernel, imagePath: string, parentPath: string): void {
  if (parentPath.startsWith("/")) throw new ContainerError("invalid_argument", "--parent-path must be relative");
  const path = `${imagePath}/${parentPath}`;
  if (!exists(kernel, path)) {
    throw new ContainerError("invalid_argument", `invalid --parent-path: ${path}: no such file or directory`);
  }
  const status = findStatus(kernel, path);
  if (status !== undefined && status.type === FILE_TYPE.S_IFDIR) return;
  throw new ContainerError("invalid_argument", `invalid --parent-path: ${path}: not a directory`);
}
