import type { Kernel } from "../linux/kernel.ts";
import type { Waits } from "./waits.ts";

/** The parts of an operation, each by what has been done when it ends; `tsrun --timings` prints how long they took. */
export type Stage =
  | "read config"
  | "parse and validate"
  | "find rootfs"
  | "gather host facts"
  | "compile first part"
  | "write record"
  | "start executor"
  | "compile second part"
  | "send second part"
  | "birth of init"
  | "init ready"
  | "compile exec"
  | "execute"
  | "wait for the program"
  | "remove container";

/** What every operation needs to know about its surroundings. */
export interface RuntimeOptions {
  readonly kernel: Kernel;
  /** Absolute path of the directory that holds one directory a container. */
  readonly root: string;
  readonly systemdCgroup: boolean;
  /** Whether containers may do without cgroups that this user cannot make; auto: if it is not the host's root. */
  readonly rootless: boolean | "auto";
  /** PATH of the caller: where helpers of the host are looked up. */
  readonly searchPath?: string;
  /** The root is below XDG_RUNTIME_DIR, which is cleaned up from time to time: all but what is sticky. */
  readonly keepRoot?: boolean;
  /** Where the caller's own systemd is found: $XDG_RUNTIME_DIR and $DBUS_SESSION_BUS_ADDRESS. */
  readonly session?: { readonly runtimeDirectory: string | undefined; readonly busAddress: string | undefined };
  debug(message: string): void;
  warn(message: string): void;
  /** Told that a part of an operation is over. Not there unless somebody measures. */
  readonly mark?: ((stage: Stage) => void) | undefined;
  /** Given by a process that must not block. */
  readonly waits?: Waits;
  /** RLIMIT_NOFILE of whoever the containers are made for; without, it is that of the parent process. */
  readonly nofile?: { readonly soft: bigint; readonly hard: bigint };
}

/** The descriptors that become 0, 1 and 2 of a program; without, it gets those of this process. */
export type Stdio = readonly [stdin: number, stdout: number, stderr: number];

/** What `create` is asked for. */
export interface CreateRequest {
  readonly id: string;
  /** Absolute path. */
  readonly bundle: string;
  /** Path of the unix socket that takes the terminal. */
  readonly consoleSocket?: string;
  /** Path of the unix socket that takes a pidfd of init. */
  readonly pidfdSocket?: string;
  readonly pidFile?: string;
  /** sd_notify(3): the socket of the service manager, which the container gets a proxy of. */
  readonly notifySocket?: string;
  /** Variables that are added to those of the config. */
  readonly environment?: readonly string[];
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  /** How many descriptors after 2 the container keeps. */
  readonly preserveFds: number;
}
