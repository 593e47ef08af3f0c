import type { Client } from "../../lib/client/client.ts";
import type { Kernel } from "../../lib/linux/kernel.ts";
import type { ProgramSpec } from "../help.ts";

/** What every command of tsctr is given. */
export interface CtrContext {
  /** The daemon's socket. */
  readonly address: string;
  readonly namespace: string;
  readonly kernel: Kernel;
  /** Absolute path of the caller's working directory. */
  readonly cwd: string;
  readonly pid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The one connection of this command, made at the first call. @throws {ContainerError} */
  connect(): Promise<Client>;
  print(content: string): Promise<void>;
  /** Prints on standard error, as it is. */
  printError(content: string): void;
  /** Says something beside the output, on standard error. */
  warn(message: string): void;
  /** All commands and options, for those who tell of them. */
  describe(): Promise<ProgramSpec>;
}
