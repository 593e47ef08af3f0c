import type { Kernel } from "../linux/kernel.ts";

/** What every operation needs to know about its surroundings. */
export interface RuntimeOptions {
  readonly kernel: Kernel;
  /** Absolute path of the directory that holds one directory a container. */
  readonly root: string;
  readonly systemdCgroup: boolean;
  readonly rootless: boolean | "auto";
  debug(message: string): void;
  warn(message: string): void;
}

/** What `create` is asked for. */
export interface CreateRequest {
  readonly id: string;
  /** Absolute path. */
  readonly bundle: string;
  /** Path of the unix socket that takes the terminal. */
  readonly consoleSocket?: string;
  readonly pidFile?: string;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  /** How many descriptors after 2 the container keeps. */
  readonly preserveFds: number;
}
