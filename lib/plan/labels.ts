import { ContainerError } from "../errors.ts";
import { propertyPath } from "../json-pointer.ts";
import type { Config, Process } from "../spec/config.ts";
import { checkFilesystem, fdcwd, openBeneath, openFlags, writeTo } from "./calls.ts";
import type { Host } from "./host.ts";
import { MESSAGE_LABEL, receiveAnswer, sendMessage } from "./messages.ts";
import { close, type Field, orElse, type Purpose, register, type Step, type Struct } from "./step.ts";

/** Which security modules the host has; gathered when a config asks for one. */
export interface SecurityModules {
  readonly apparmor: boolean;
  readonly selinux: boolean;
}

/** Whether a plan has to know the security modules of the host. */
export function needsSecurityModules({ process = { cwd: "/" }, linux = {} }: Omit<Config, "ociVersion" | "root">) {
  return [process.apparmorProfile, process.selinuxLabel, linux.mountLabel].some((label) => label !== undefined);
}

/**
 * A label that nobody enforces is worse than none. The words are runc's where it has some, and the path in back quotes is
 * what podman looks for.
 * @throws {ContainerError} failed_precondition
 */
export function refuseLabels(process: Process | undefined, mountLabel: string | undefined, host: Host): void {
  const { apparmorProfile, selinuxLabel } = process ?? {};
  const { apparmor = false, selinux = false } = host.securityModules ?? {};
  if (apparmorProfile !== undefined && !apparmor) {
    const why = "AppArmor is not enabled on this host";
    const what = `apply AppArmor profile ${JSON.stringify(apparmorProfile)} by writing to \`/proc/self/attr/apparmor/exec\``;
    throw new ContainerError("failed_precondition", `cannot ${what} (process.apparmorProfile): ${why}`);
  }
  if (selinux) return;
  const property = selinuxLabel === undefined ? "linux.mountLabel" : "process.selinuxLabel";
  if (selinuxLabel === undefined && mountLabel === undefined) return;
  const why = "selinux label is specified in config, but selinux is disabled or not supported";
  throw new ContainerError("failed_precondition", `${why} (${property})`);
}

/**
 * The register with the host's /proc. Labels are written through it: nothing that the container or its image has
 * mounted over its own /proc can catch them (CVE-2019-16884, CVE-2025-52881), and no file of another name can get them.
 */
const HOST_PROC = "hostProc";

/** Opens the host's /proc where labels will be written; the process that does it sees the host's mounts. */
export function openForLabels({ apparmorProfile, selinuxLabel }: Process): readonly Step[] {
  if (apparmorProfile === undefined && selinuxLabel === undefined) return [];
  const from = apparmorProfile === undefined ? SELINUX : APPARMOR;
  const purpose: Purpose = { doing: "open /proc of the host", from, path: "/proc" };
  const access = openFlags("O_PATH", "O_DIRECTORY", "O_CLOEXEC");
  return [
    { call: "openat", args: [fdcwd(), "/proc", access], into: HOST_PROC, purpose },
    checkFilesystem(HOST_PROC, "PROC_SUPER_MAGIC", true, purpose),
  ];
}

const APPARMOR = "/process/apparmorProfile";
const SELINUX = "/process/selinuxLabel";

/** config.md § Linux Process, `apparmorProfile` and `selinuxLabel`: in force from the next execve(2) on. */
export function compileLabels({ apparmorProfile, selinuxLabel }: Process): readonly Step[] {
  return [
    ...(apparmorProfile === undefined ? [] : applyProfile(apparmorProfile)),
    ...(selinuxLabel === undefined ? [] : applyLabel(selinuxLabel)),
  ];
}

function applyProfile(profile: string): readonly Step[] {
  const path = "/proc/self/attr/apparmor/exec";
  const purpose: Purpose = {
    doing: `apply AppArmor profile ${JSON.stringify(profile)} by writing to \`${path}\``,
    from: APPARMOR,
    path,
  };
  return [
    // Before Linux 5.8 there is but the file that all security modules share.
    ...orElse(openAttribute("apparmor/exec", purpose), ["ENOENT"], [openAttribute("exec", purpose)]),
    writeTo("attribute", `exec ${profile}`, purpose),
    ...readBack(LABEL_APPARMOR, purpose),
    close("attribute", purpose),
  ];
}

function applyLabel(label: string): readonly Step[] {
  const path = "/proc/self/attr/exec";
  const purpose: Purpose = { doing: `apply SELinux label ${label} by writing to \`${path}\``, from: SELINUX, path };
  return [
    openAttribute("exec", purpose),
    writeTo("attribute", label, purpose),
    ...readBack(LABEL_SELINUX, purpose),
    close("attribute", purpose),
  ];
}

/** `steps` with new keys labelled for the container, so that its processes may use them. */
export function withKeyLabel(selinuxLabel: string | undefined, steps: readonly Step[]): readonly Step[] {
  if (selinuxLabel === undefined) return steps;
  const path = "/proc/self/attr/keycreate";
  const purpose: Purpose = { doing: `label the session keyring by writing to \`${path}\``, from: SELINUX, path };
  const write = (text: string) => [
    openAttribute("keycreate", purpose),
    writeTo("attribute", text, purpose),
    close("attribute", purpose),
  ];
  return [...write(selinuxLabel), ...steps, ...write("\n")];
}

/** `self` is a link, but no magic one. */
function openAttribute(name: string, purpose: Purpose): Step {
  const path = `self/attr/${name}`;
  return openBeneath({ root: HOST_PROC, path, access: ["O_RDWR", "O_CLOEXEC"], into: "attribute" }, purpose);
}

/** Which label a MESSAGE_LABEL tells of. */
const LABEL_APPARMOR = 1;
const LABEL_SELINUX = 2;
/** Of `struct report`, which such a message has to fit in. */
const LABEL_BYTES = 240;
const LABEL_OFFSET = 8;

/** What the kernel says the label is now goes to the runtime, which compares before it answers: refuseOtherLabel(). */
function readBack(which: number, purpose: Purpose): readonly Step[] {
  const bytes = new Uint8Array(LABEL_OFFSET + LABEL_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MESSAGE_LABEL, true);
  view.setUint32(4, which, true);
  const told: Struct = { kind: "struct", bytes, describe: () => "{MESSAGE_LABEL, label}" };
  const label: Field = { kind: "field", of: told, at: LABEL_OFFSET, name: "message.label" };
  return [
    { call: "read", args: [register("attribute"), label, LABEL_BYTES], purpose },
    sendMessage(told, purpose),
    receiveAnswer(purpose),
  ];
}

/**
 * Compares what the kernel says of a label with what was asked for. `bytes` are those of a MESSAGE_LABEL.
 * @throws {ContainerError} when the label was not taken: the process would run without
 */
export function refuseOtherLabel(bytes: Uint8Array, process: Process | undefined): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isProfile = view.getUint32(4, true) === LABEL_APPARMOR;
  const text = new TextDecoder().decode(bytes.subarray(LABEL_OFFSET));
  const [found = ""] = text.split("\0");
  const wanted = (isProfile ? process?.apparmorProfile : process?.selinuxLabel) ?? "";
  if (isProfile ? isProfileOf(found, wanted) : isContextOf(found, wanted)) return;
  const property = propertyPath(isProfile ? APPARMOR : SELINUX);
  const what = isProfile ? `AppArmor profile ${JSON.stringify(wanted)}` : `SELinux label ${wanted}`;
  const why = `the kernel says it is ${JSON.stringify(found.trim())}`;
  throw new ContainerError("internal", `cannot apply ${what} (${property}): ${why}`);
}

/** `name (mode)`; the name of a profile in a namespace, or of a stack of them, is not given back as it was written. */
function isProfileOf(found: string, wanted: string): boolean {
  if (/[:&]/.test(wanted)) return found.trim() !== "";
  const name = found.trim().replace(/ \((enforce|complain|kill|unconfined|mixed|prompt|user)\)$/, "");
  return name === wanted.slice(0, LABEL_BYTES);
}

/** `user:role:type:level`; the level is not given back as it was written. */
function isContextOf(found: string, wanted: string): boolean {
  const head = (text: string) => text.trim().split(":", 3).join(":");
  return head(found) === head(wanted);
}
