import { readFileSync } from "node:fs";
import { join } from "node:path";

/** RFC 2119, and TEXT for a sentence that says how things are without one of its words. REQUIRED counts as MUST. */
export const LEVELS = ["MUST", "SHOULD", "TEXT"] as const;

/** How binding a sentence is. */
export type Level = (typeof LEVELS)[number];

/** A sentence of the specification that binds a runtime, or its user. */
export interface Requirement {
  readonly id: string;
  /** File and section, as `runtime.md § State`. */
  readonly place: string;
  readonly level: Level;
  /** The sentence, shortened where it can be without changing what it says. */
  readonly sentence: string;
  /** The scenarios that look at it. */
  readonly scenarios: readonly string[];
  /** Why nothing looks at it; undefined where something does. */
  readonly untested: string | undefined;
}

const HEAD = /^(?<id>[A-Z]{2}-[\w]+) (?<level>[A-Z]+) (?<scenarios>-|\S+(?:, \S+)*)$/;

interface Draft {
  readonly id: string;
  readonly place: string;
  readonly level: Level;
  readonly scenarios: readonly string[];
  readonly sentence: string[];
  readonly reason: string[];
}

function isLevel(word: string): word is Level {
  return LEVELS.some((level) => level === word);
}

function finish(draft: Draft, file: string): Requirement {
  const { id, place, level, scenarios, sentence, reason } = draft;
  const fault = (what: string): Error => new Error(`${file}: ${id}: ${what}`);
  if (sentence.length === 0) throw fault("there is no sentence");
  if (place === "") throw fault("there is no place, as in `@ runtime.md § State`, above it");
  if (scenarios.length === 0 && reason.length === 0) throw fault("neither a scenario nor a reason (`! why`)");
  if (scenarios.length > 0 && reason.length > 0) throw fault("both a scenario and a reason why there is none");
  const untested = reason.length === 0 ? undefined : reason.join(" ");
  return { id, place, level, sentence: sentence.join(" "), scenarios, untested };
}

/**
 * A requirements file: `@ PLACE` lines, and for each requirement `ID LEVEL SCENARIO, …` (or `-`), below it the sentence and,
 * where nothing looks at it, `! REASON`, both indented. `#` begins a remark. @throws {Error} naming file and line or id
 */
export function parseRequirements(text: string, file: string): readonly Requirement[] {
  const drafts: Draft[] = [];
  let place = "";
  for (const [index, raw] of text.split("\n").entries()) {
    if (raw.trim() === "" || raw.startsWith("#")) continue;
    const current = drafts.at(-1);
    if (raw.startsWith("@ ")) place = raw.slice(2).trim();
    else if (raw.startsWith("  ") && current !== undefined) addLine(current, raw.trim());
    else drafts.push(parseHead(raw, place, `${file}:${index + 1}`));
  }
  return drafts.map((draft) => finish(draft, file));
}

function addLine({ sentence, reason }: Draft, line: string): void {
  if (line.startsWith("! ")) reason.push(line.slice(2));
  else if (reason.length > 0) reason.push(line);
  else sentence.push(line);
}

function parseHead(raw: string, place: string, where: string): Draft {
  const { id = "", level = "", scenarios = "" } = HEAD.exec(raw)?.groups ?? {};
  if (!isLevel(level)) throw new Error(`${where}: not \`ID ${LEVELS.join("|")} SCENARIO, …\`: ${raw}`);
  return {
    id,
    place,
    level,
    scenarios: scenarios === "-" ? [] : scenarios.split(", "),
    sentence: [],
    reason: [],
  };
}

/** The files in the order in which their requirements are numbered. */
const FILES = [
  "runtime",
  "runtime-linux",
  "config",
  "config-mounts",
  "config-process",
  "config-hooks",
  "config-linux",
  "config-cgroups",
  "config-seccomp",
  "features",
] as const;

/** All requirements. @throws {Error} for a malformed file, or an id that is there twice */
export function loadRequirements(): readonly Requirement[] {
  const all = FILES.flatMap((name) => {
    const path = join(import.meta.dir, "requirements", `${name}.txt`);
    return parseRequirements(readFileSync(path, "utf8"), `${name}.txt`);
  });
  const ids = new Set(all.map(({ id }) => id));
  if (ids.size === all.length) return all;
  const twice = all.filter(({ id }) => !ids.delete(id)).map(({ id }) => id);
  throw new Error(`requirements: there twice: ${twice.join(", ")}`);
}
