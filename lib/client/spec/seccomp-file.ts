import { ContainerError, explain } from "../../errors.ts";
import { toList, toObject, toTexts } from "../../image/documents.ts";
import { parseConfig } from "../../spec/parse-config.ts";
import type { Seccomp } from "../../spec/seccomp.ts";
import { SECCOMP_ARCHITECTURES, type SeccompSubject } from "./seccomp-default.ts";

type Json = Readonly<Record<string, unknown>>;

/** What rules of a file may depend on. */
export interface FileSubject extends SeccompSubject {
  /** uname(2): the release of the kernel, e.g. `6.1.0-13-amd64`. */
  readonly release: string;
}

/** Go's names of architectures, by which rules are chosen; of the second ones of a machine, too. */
const GO_ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x64: ["amd64", "x86", "x32"],
  arm64: ["arm64", "arm"],
};

/**
 * A profile as docker's files have it (`archMap`, rules that depend on capabilities, architecture and kernel), or as
 * config.json has it: config-linux.md § Seccomp. @throws {ContainerError} invalid_argument
 */
export function parseSeccompFile(text: string, subject: FileSubject): Seccomp {
  const profile = toObject(parseText(text), "it");
  const { archMap, syscalls, ...rest } = profile;
  const architectures = archMap === undefined ? {} : { architectures: chooseArchitectures(archMap, rest, subject) };
  const rules = toList(syscalls, "/syscalls").map((each, index) => toObject(each, `/syscalls/${index}`));
  const checked = check({ ...rest, ...architectures, syscalls: rules.map(plain) });
  const isChosen = rules.map((rule, index) => isWanted(rule, `/syscalls/${index}`, subject));
  return { ...checked, syscalls: (checked.syscalls ?? []).filter((_, index) => isChosen[index] === true) };
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid("it is no JSON", error);
  }
}

/** The entry of the machine's own architecture: that, and those below it. */
function chooseArchitectures(archMap: unknown, rest: Json, { architecture }: SeccompSubject): readonly string[] {
  if (toList(rest["architectures"], "/architectures").length > 0) {
    throw invalid("architectures and archMap do not go together: leave one out");
  }
  const own = SECCOMP_ARCHITECTURES[architecture]?.[0];
  const entries = toList(archMap, "/archMap").map((each) => toObject(each, "/archMap"));
  const entry = entries.find((each) => each["architecture"] === own);
  return own === undefined || entry === undefined ? [] : [own, ...toTexts(entry["subArchitectures"], "/archMap")];
}

/** docker's `includes` and `excludes`: all of the one, none of the other. */
function isWanted(rule: Json, what: string, subject: FileSubject): boolean {
  const filter = (name: string) => toObject(rule[name] ?? {}, `${what}/${name}`);
  const [includes, excludes] = [filter("includes"), filter("excludes")];
  const list = (from: Json, name: string) => toTexts(from[name], `${what}: ${name}`);
  const isHere = (name: string) => GO_ARCHITECTURES[subject.architecture]?.includes(name) === true;
  const isHeld = (name: string) => subject.capabilities.includes(name);
  const [least, below] = [includes["minKernel"], excludes["minKernel"]];
  const arches = list(includes, "arches");
  return (
    (arches.length === 0 || arches.some(isHere)) &&
    list(includes, "caps").every(isHeld) &&
    (least === undefined || isAtLeast(subject.release, least, what)) &&
    !list(excludes, "arches").some(isHere) &&
    !list(excludes, "caps").some(isHeld) &&
    (below === undefined || !isAtLeast(subject.release, below, what))
  );
}

function isAtLeast(release: string, wanted: unknown, what: string): boolean {
  const [major, minor] = versionOf(typeof wanted === "string" ? wanted : "");
  if (major === undefined || minor === undefined) throw invalid(`${what}: minKernel must be like "4.8"`);
  const [ownMajor = 0, ownMinor = 0] = versionOf(release);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

function versionOf(text: string): readonly number[] {
  const [, major, minor] = /^(\d{1,4})\.(\d{1,4})/.exec(text) ?? [];
  return major === undefined || minor === undefined ? [] : [Number(major), Number(minor)];
}

/** A rule without what only docker reads; older ones have one `name`. */
function plain({ includes: _i, excludes: _e, comment: _c, name, names, ...rest }: Json): Json {
  const own = typeof name === "string" && name !== "" ? [name] : [];
  const args = rest["args"] === null ? { args: [] } : {};
  return { ...rest, ...args, names: [...own, ...toTexts(names, "names")] };
}

/** What a runtime would say of it, before anything is made. */
function check(seccomp: Json): Seccomp {
  const config = {
    ...{
      ociVersion: "1.3.0",
      root: { path: "rootfs" },
      process: { args: ["true"], cwd: "/", user: { uid: 0, gid: 0 } },
    },
    linux: { seccomp },
  };
  const { config: parsed, exact } = parse(JSON.stringify(config));
  const [rounded] = [...exact].filter(([, value]) => value !== MAX_UINT64);
  if (rounded !== undefined)
    throw invalid(`${rounded.join(" is ")}: numbers above 2^53 do not reach the runtime exactly`);
  if (parsed.linux?.seccomp === undefined) throw new TypeError("internal error: a profile was lost");
  return parsed.linux.seccomp;
}

const MAX_UINT64 = 2n ** 64n - 1n;

function parse(text: string): ReturnType<typeof parseConfig> {
  try {
    return parseConfig(text);
  } catch (error) {
    throw invalid(explain(error).replaceAll("/linux/seccomp", "").replace("config.json: ", ""));
  }
}

function invalid(why: string, cause?: unknown): ContainerError {
  return new ContainerError("invalid_argument", why, { cause });
}
