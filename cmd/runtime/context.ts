import type { RuntimeOptions } from "../../lib/runtime/options.ts";

/** What every command of tsrun is given. */
export interface RuntimeContext {
  readonly options: RuntimeOptions;
  /** Absolute path of the caller's working directory. */
  readonly cwd: string;
  /** Effective user and group of the caller. */
  readonly uid: number;
  readonly gid: number;
  print(content: string): Promise<void>;
}
