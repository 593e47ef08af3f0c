import { defaultSeccomp, type SeccompSubject } from "../../lib/client/spec/seccomp-default.ts";
import { ContainerError } from "../../lib/errors.ts";
import { findText } from "../../lib/linux/files.ts";
import { findSecurityModules } from "../../lib/linux/security-modules.ts";
import type { Seccomp } from "../../lib/spec/seccomp.ts";
import { absolutePath } from "../path.ts";
import { AdvisedError } from "./advice.ts";
import type { CtrContext } from "./context.ts";
import { parseSecurity, type SecurityOptions } from "./security-flag.ts";

/** What confines a container, beside its capabilities. */
export interface Confinement extends Pick<SecurityOptions, "mask" | "unmask" | "noNewPrivileges"> {
  readonly seccomp: Seccomp | undefined;
  readonly apparmorProfile: string | undefined;
}

/** `--security-opt`, with the files it names read. @throws {ContainerError} */
export async function chooseConfinement(
  context: CtrContext,
  entries: readonly string[],
  { privileged, capabilities }: { readonly privileged: boolean; readonly capabilities: readonly string[] },
): Promise<Confinement> {
  const { seccomp, apparmor, ...rest } = parseSecurity(entries);
  const wanted = seccomp ?? (privileged ? "unconfined" : "builtin");
  const subject = { capabilities, architecture: process.arch };
  return {
    ...rest,
    seccomp:
      typeof wanted === "object" ? await readProfile(context, wanted.file, subject) : ownProfile(wanted, subject),
    apparmorProfile: apparmor === undefined ? undefined : checkApparmor(context, apparmor),
  };
}

function ownProfile(wanted: "unconfined" | "builtin", subject: SeccompSubject): Seccomp | undefined {
  return wanted === "builtin" ? defaultSeccomp(subject) : undefined;
}

/** Docker's has 13 KiB. */
const MAX_PROFILE_BYTES = 4 * 1024 * 1024;

async function readProfile({ kernel, cwd }: CtrContext, file: string, subject: SeccompSubject): Promise<Seccomp> {
  const [{ parseSeccompFile }, { readBoundedText }] = await Promise.all([
    import("../../lib/client/spec/seccomp-file.ts"),
    import("../../lib/linux/bounded-file.ts"),
  ]);
  const release = findText(kernel, "/proc/sys/kernel/osrelease") ?? "";
  try {
    return parseSeccompFile(readBoundedText(kernel, absolutePath(cwd, file), MAX_PROFILE_BYTES), {
      ...subject,
      release,
    });
  } catch (error) {
    throw badProfile(file, error);
  }
}

function badProfile(file: string, cause: unknown): ContainerError {
  return new ContainerError("invalid_argument", `--security-opt seccomp=${file}`, { cause });
}

/** apparmor(7): the profiles that are loaded, `NAME (MODE)` each; who may not read it is told by the kernel later. */
const PROFILES = "/sys/kernel/security/apparmor/profiles";

/** Whether a profile is one of these; `unconfined` is no profile, and always there. */
export function isLoaded(profiles: string, name: string): boolean {
  return name === "unconfined" || profiles.split("\n").some((line) => line.replace(/ \([^()]*\)$/, "") === name);
}

/** A kernel without AppArmor confines nobody, so `unconfined` asks nothing of it. */
function checkApparmor({ kernel }: CtrContext, profile: string): string | undefined {
  if (findSecurityModules(kernel).apparmor) {
    const loaded = findText(kernel, PROFILES, "ENOENT", "ENOTDIR", "EACCES");
    if (loaded === undefined || isLoaded(loaded, profile)) return profile;
    throw new AdvisedError("not_found", `--security-opt apparmor=${profile}: no profile of this name is loaded`, {
      advice: "aa-status lists those there are, apparmor_parser -r FILE loads one",
    });
  }
  if (profile === "unconfined") return undefined;
  throw new ContainerError(
    "failed_precondition",
    `--security-opt apparmor=${profile}: AppArmor is not in force on this machine`,
  );
}
