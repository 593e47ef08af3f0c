import type { RuntimeOptions } from "../../lib/runtime/options.ts";

import type { ProgramSpec } from "../help.ts";

/** What every command of tsrun is given. */
export interface RuntimeContext {
  readonly options: RuntimeOptions;
  /** Absolute path of the caller's working directory. */
  readonly cwd: string;
  /** Of this process. */
  readonly pid: number;
  /** Effective user and group of the caller. */
  readonly uid: number;
  readonly gid: number;
  /** The caller's environment, for programs that are the caller's own: no container's process is given any of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All commands and options, for those who tell of them. */
  describe(): Promise<ProgramSpec>;
  print(content: string): Promise<void>;
}
