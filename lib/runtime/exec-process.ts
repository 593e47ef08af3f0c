import { ContainerError } from "../errors.ts";
import { readText } from "../linux/files.ts";
import { isKnownCapability } from "../spec/capability.ts";
import type { Capabilities, Process, User } from "../spec/config.ts";
import { parseProcess } from "../spec/parse-config.ts";
import type { RuntimeOptions } from "./options.ts";

/** What `exec` is asked for: a process file, or arguments and what they change in the process of the config. */
export interface ExecRequest {
  readonly id: string;
  readonly args: readonly string[];
  /** Absolute path of a file with a process (config.md § Process); the rest but `tty` counts for nothing then. */
  readonly processFile?: string | undefined;
  readonly cwd?: string | undefined;
  readonly env: readonly string[];
  readonly tty: boolean;
  /** `uid[:gid]` */
  readonly user?: string | undefined;
  readonly additionalGids: readonly string[];
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly apparmor?: string | undefined;
  readonly processLabel?: string | undefined;
  readonly detach: boolean;
  readonly pidFile?: string | undefined;
  readonly consoleSocket?: string | undefined;
  readonly pidfdSocket?: string | undefined;
  readonly preserveFds: number;
  readonly ignorePaused: boolean;
  /** Directories below the container's cgroups, each perhaps with `controller,…:` before it. */
  readonly cgroups: readonly string[];
}

type Context = Pick<RuntimeOptions, "kernel" | "warn">;

/** The process that is to run; `warn` gets what its author should know. @throws {ContainerError} invalid_argument, SpecError */
export function buildProcess(context: Context, template: Process | undefined, request: ExecRequest): Process {
  if (request.processFile !== undefined) return readProcess(context, request.processFile);
  if (template === undefined) {
    throw new ContainerError("failed_precondition", "cannot exec without --process: the config has no process");
  }
  checkOptions(context, request);
  const { consoleSize: _size, ...rest } = template;
  return {
    ...rest,
    args: request.args,
    terminal: request.tty,
    // As for runc, an option that is "" is as good as absent.
    cwd: request.cwd || template.cwd,
    env: [...(template.env ?? []), ...request.env],
    user: withUser(template.user ?? {}, request),
    capabilities: withCapabilities(template.capabilities ?? {}, request.capabilities),
    noNewPrivileges: request.noNewPrivileges || template.noNewPrivileges === true,
    ...(request.apparmor && { apparmorProfile: request.apparmor }),
    ...(request.processLabel && { selinuxLabel: request.processLabel }),
  };
}

function readProcess({ kernel, warn }: Context, file: string): Process {
  const { process, warnings } = parseProcess(readText(kernel, file));
  for (const warning of warnings) warn(warning);
  return process;
}

/** What the rules of config.json say of the options' counterparts, in runc's words. @throws {ContainerError} */
function checkOptions({ warn }: Context, { args, cwd, env, capabilities }: ExecRequest): void {
  if (args.length === 0) throw new ContainerError("invalid_argument", "process args cannot be empty");
  for (const entry of env) {
    if (entry.indexOf("=") > 0) continue;
    const why = `invalid environment variable ${JSON.stringify(entry)}: must be NAME=value`;
    throw new ContainerError("invalid_argument", why);
  }
  if (cwd && !cwd.startsWith("/")) {
    throw new ContainerError("invalid_argument", `Cwd must be an absolute path, not ${JSON.stringify(cwd)}`);
  }
  const unknown = capabilities.filter((name) => !isKnownCapability(capabilityName(name)));
  if (unknown.length > 0) warn(`ignoring unknown or unavailable capabilities: [${unknown.join(" ")}]`);
}

const MAX_ID = 0xffff_fffe;

function withUser(user: User, { user: given, additionalGids }: ExecRequest): User {
  const groups = additionalGids.map((text) => parseId(text, "additional gid"));
  const added = groups.length === 0 ? user : { ...user, additionalGids: [...(user.additionalGids ?? []), ...groups] };
  if (given === undefined) return added;
  const [uid = "", gid, ...more] = given.split(":");
  if (more.length > 0)
    throw new ContainerError("invalid_argument", `invalid user ${JSON.stringify(given)}: must be uid[:gid]`);
  return { ...added, uid: parseId(uid, "user"), ...(gid === undefined ? {} : { gid: parseId(gid, "group") }) };
}

/** A number and nothing else: what is taken for 0 here is root (crun CVE-2026-30892). */
function parseId(text: string, what: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (id <= MAX_ID) return id;
  throw new ContainerError(
    "invalid_argument",
    `invalid ${what} ${JSON.stringify(text)}: must be a number from 0 to ${MAX_ID}`,
  );
}

/**
 * Added to what the process may use, and never to what it hands on (CVE-2022-29162): ambient is only what config.json
 * makes inheritable.
 */
function withCapabilities(capabilities: Capabilities, added: readonly string[]): Capabilities {
  if (added.length === 0) return capabilities;
  const add = (set: readonly string[] = []) => [...new Set([...set, ...added.map(capabilityName)])];
  return {
    ...capabilities,
    bounding: add(capabilities.bounding),
    effective: add(capabilities.effective),
    permitted: add(capabilities.permitted),
    ...(capabilities.inheritable === undefined ? {} : { ambient: add(capabilities.ambient) }),
  };
}

function capabilityName(text: string): string {
  const name = text.toUpperCase();
  return name.startsWith("CAP_") ? name : `CAP_${name}`;
}
