import { ContainerError, explain, findSyscall } from "../lib/errors.ts";
import { printable } from "../lib/printable.ts";

export interface LogSettings {
  /** The program's name, which opens every line on standard error. */
  readonly name: string;
  /** Undefined: everything goes to standard error. */
  readonly file: string | undefined;
  readonly format: "text" | "json";
  readonly debug: boolean;
}

/** Where a log goes; replaced by tests. */
export interface LogSink {
  readonly writeStderr: (content: string) => void;
  /** @throws when the file cannot be written */
  readonly appendToFile: (file: string, content: string) => void;
  readonly now: () => Date;
}

/** The messages of one program: for people on standard error, for engines in the log file. */
export interface Log {
  debug(message: string): void;
  warn(message: string): void;
  /** Says why the program fails. An engine shows its user the last line of level error, so there must be one only. */
  fail(error: unknown, hint?: string): void;
}

type Level = "debug" | "warning" | "error";
type Fields = Readonly<Record<string, string>>;

/** A log as runc writes it: logrus lines, in text or JSON. */
export function createLog(settings: LogSettings, sink: LogSink): Log {
  const { file, format, name } = settings;
  const write = (level: Level, message: string, fields: Fields): void => {
    if (file === undefined) {
      // For people an error is a line of its own; debug messages are for those who know runc's.
      const isLine = format === "json" || level === "debug";
      sink.writeStderr(isLine ? formatLine(format, level, message, sink.now(), fields) : plain(level, message));
      return;
    }
    try {
      sink.appendToFile(file, formatLine(format, level, message, sink.now(), fields));
    } catch (cause) {
      sink.writeStderr(
        plain("warning", explain(new ContainerError("unavailable", `cannot write to log ${file}`, { cause }))),
      );
      if (level !== "error") sink.writeStderr(plain(level, message));
    }
  };
  const plain = (level: Level, message: string): string =>
    `${name}: ${level === "error" ? "" : `${level}: `}${message}\n`;

  return {
    debug: (message) => {
      if (settings.debug) write("debug", printable(message), {});
    },
    warn: (message) => write("warning", printable(message), {}),
    fail: (error, hint) => {
      const why = printable(explain(error));
      const message = hint === undefined ? why : `${why} (${hint})`;
      // Only a mistake of ours needs its stack; a ContainerError has said what its reader can act on.
      if (settings.debug && error instanceof Error && !(error instanceof ContainerError)) {
        write("debug", error.stack ?? message, {});
      }
      write("error", message, syscallFields(error));
      if (file !== undefined) sink.writeStderr(plain("error", message));
    },
  };
}

function syscallFields(error: unknown): Fields {
  const details = findSyscall(error);
  if (details === undefined) return {};
  const { process: stage, call: syscall, path, errno, pointer } = details;
  const known = Object.entries({ stage, syscall, path, errno, pointer }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as Fields;
}

function formatLine(format: "text" | "json", level: Level, msg: string, now: Date, fields: Fields): string {
  const time = now.toISOString().replace(/\.\d+Z$/, "Z");
  if (format === "json") return `${JSON.stringify({ level, msg, time, ...fields })}\n`;
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${quoteIfNeeded(value)}`);
  return `time="${time}" level=${level} msg=${quoteIfNeeded(msg)}${pairs.join("")}\n`;
}

/** logrus TextFormatter: a value of other characters than these is quoted. */
function quoteIfNeeded(value: string): string {
  return /^[A-Za-z0-9\-._/@^+]+$/.test(value) ? value : JSON.stringify(value);
}
