import { ContainerError } from "../../lib/errors.ts";
import type { ProcessSnapshot } from "../../lib/runtime/processes.ts";
import { type Column, findColumn } from "./ps-columns.ts";

/** A column by its name and, where `-o name=` asked for none, without its header. */
export interface ColumnChoice {
  readonly name: string;
  readonly hasHeader: boolean;
}

const FULL = "UID,pid,ppid,c,stime,tname,time,cmd";
const SHORT = "pid,tname,time,ucmd";
const BSD = "pid,tname,stat,bsdtime,args";
const BSD_USER = "user,pid,%cpu,%mem,vsz,rss,tname,stat,bsdstart,bsdtime,args";

/** Which processes are meant, or how wide the output may be: here always those of the container, and all of it. */
const IDLE_LETTERS = "eAawx";

/**
 * ps(1): the columns that its options ask for; those of `-ef` when there are none.
 * @throws {ContainerError} invalid_argument for an option or a column that is not known here
 */
export function parsePsOptions(words: readonly string[]): readonly ColumnChoice[] {
  const lists: string[] = [];
  if (words.some((word) => X_WITH_DASH.test(word))) return parsePsOptions(words.map((word) => word.replace(/^-/, "")));
  let preset = words.length === 0 ? FULL : SHORT;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    const list = listOf(word);
    if (list === undefined) preset = presetOf(word) ?? preset;
    else lists.push(list === "" ? (words[++index] ?? refuse(word)) : list);
  }
  return (lists.length === 0 ? [preset] : lists).flatMap(parseList);
}

/** `-x` is no option of SysV: procps then takes all words for BSD's, with a dash too many. */
const X_WITH_DASH = /^-[eAafuw]*x[eAafuwx]*$/;

/** What stands with `-o` in one word, "" when the list is the next word; undefined for another option. */
function listOf(word: string): string | undefined {
  if (word === "o" || word === "--format") return "";
  if (word.startsWith("--format=")) return word.slice("--format=".length);
  const match = /^-[eAaw]*o(.*)$/.exec(word);
  return match?.[1];
}

/** The columns an option stands for; undefined for one that changes none. */
function presetOf(word: string): string | undefined {
  const isSysV = word.startsWith("-");
  const rest = Array.from(isSysV ? word.slice(1) : word).filter((letter) => !IDLE_LETTERS.includes(letter));
  if (word === "" || word === "-") return refuse(word);
  if (isSysV && rest.every((letter) => letter === "f" || letter === "F")) return rest.length > 0 ? FULL : undefined;
  if (!isSysV && rest.every((letter) => letter === "u" || letter === "f")) return rest.includes("u") ? BSD_USER : BSD;
  return refuse(word);
}

function parseList(list: string): readonly ColumnChoice[] {
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .map((entry) => {
      const name = entry.replace(/=$/, "");
      if (findColumn(name, 0) !== undefined) return { name, hasHeader: name === entry };
      throw new ContainerError(
        "invalid_argument",
        `cannot print the ps column ${JSON.stringify(entry)}: it is not known`,
      );
    });
}

function refuse(word: string): never {
  const known = "-e, -f, -o LIST, aux or ax";
  throw new ContainerError("invalid_argument", `cannot use the ps option ${JSON.stringify(word)}: must be ${known}`);
}

/** The table as procps prints it: a cell that is too wide pushes the next ones only as far as it has to. */
export function renderPsTable(choices: readonly ColumnChoice[], snapshot: ProcessSnapshot): string {
  const columns = choices.flatMap(({ name, hasHeader }): readonly Column[] => {
    const column = findColumn(name, snapshot.machine.pidDigits);
    if (column === undefined) return [];
    return [hasHeader ? column : { ...column, header: "" }];
  });
  const rows = snapshot.processes.map((process) => columns.map((column) => column.cell(process, snapshot)));
  const headers = columns.map(({ header }) => header);
  const lines = headers.every((header) => header === "") ? rows : [headers, ...rows];
  return lines.map((cells) => `${renderLine(columns, cells)}\n`).join("");
}

function renderLine(columns: readonly Column[], cells: readonly string[]): string {
  let line = "";
  let start = 0;
  for (const [index, { width, align }] of columns.entries()) {
    const cell = cells[index] ?? "";
    const indent = align === "right" ? Math.max(0, width - cell.length) : 0;
    const at = Math.max(start + indent, index === 0 ? 0 : line.length + 1);
    line = `${line.padEnd(at)}${cell}`;
    start += width + 1;
  }
  return line;
}
