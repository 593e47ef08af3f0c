import { CGROUPS_MODE, type CgroupsMode } from "../../lib/runtime/criu/messages.ts";
import type { CriuSettings } from "../../lib/runtime/criu/request.ts";
import { boolean, type Flag, last, path, repeated, type Values } from "../flags.ts";
import { absolutePath } from "../path.ts";

const MODES = Object.keys(CGROUPS_MODE) as CgroupsMode[];

const manageCgroupsMode: Flag<CgroupsMode | undefined> = {
  summary: `what to do with cgroups: ${MODES.join(", ")}`,
  kind: "text",
  label: "MODE",
  defaultText: "soft",
  words: MODES,
  parse(texts) {
    const given = last(texts) ?? "";
    if (given === "") return undefined;
    const mode = MODES.find((candidate) => candidate === given);
    if (mode === undefined) throw new TypeError(`Invalid manage cgroups mode: must be ${MODES.join(", ")}`);
    return mode;
  },
};

/** The options that `checkpoint` and `restore` share. */
export const criuFlags = {
  imagePath: path("directory of criu's image files (default: checkpoint, in the current directory)", { label: "DIR" }),
  workPath: path("directory of criu's logs and other working files (default: that of the images)", { label: "DIR" }),
  tcpEstablished: boolean("allow established TCP connections"),
  extUnixSk: boolean("allow unix sockets that are connected to the outside"),
  shellJob: boolean("allow the processes to belong to a session of the host"),
  fileLocks: boolean("keep file locks"),
  manageCgroupsMode,
  emptyNs: repeated("keep a namespace without what is in it; network is the only one, and always is so", {
    label: "NAMESPACE",
  }),
  autoDedup: boolean("remove pages from parent images that are no longer needed"),
  lazyPages: boolean("move memory when it is used (userfaultfd)"),
};

/** What the shared options ask for; paths are relative to the current directory. */
export function toCriuSettings(cwd: string, flags: Values<typeof criuFlags>): CriuSettings {
  return {
    imagePath: absolutePath(cwd, flags.imagePath ?? "checkpoint"),
    workPath: flags.workPath === undefined ? undefined : absolutePath(cwd, flags.workPath),
    tcpEstablished: flags.tcpEstablished,
    extUnixSk: flags.extUnixSk,
    shellJob: flags.shellJob,
    fileLocks: flags.fileLocks,
    manageCgroupsMode: flags.manageCgroupsMode,
    emptyNs: flags.emptyNs,
    autoDedup: flags.autoDedup,
    lazyPages: flags.lazyPages,
  };
}
