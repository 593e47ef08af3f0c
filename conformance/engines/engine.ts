import type { HostNetwork } from "../harness/host-network.ts";
import type { Workspace } from "../harness/workspace.ts";

/** A runtime as an engine is told of it. */
export interface EngineRuntime {
  /** Part of folder names and of cgroup names; also the name under which docker knows it. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** The daemon that docker is to use, and its network namespace; without, docker has its own of both. */
  readonly containerd?: { readonly address: string; readonly network: HostNetwork };
}

/** An engine of its own: private storage, private state, one default runtime. Close it when its cases are done. */
export interface EngineSite {
  /** Shell functions that stand for the engine's commands with its private folders. */
  readonly preamble: string;
  readonly close: () => Promise<void>;
}

/** A command line that a person would type, or some of them in a row. */
export interface EngineCase {
  /** ENGINE/WHAT */
  readonly name: string;
  /** For bash, with the functions of the engine's preamble. */
  readonly script: string;
}

/** A program of Debian that makes containers by a runtime. */
export interface Engine {
  readonly name: string;
  /** What has to be installed. */
  readonly programs: readonly string[];
  readonly cases: readonly EngineCase[];
  /** Makes private folders, starts what has to run, and loads the image `busybox`. @throws {Error} */
  readonly open: (workspace: Workspace, runtime: EngineRuntime, image: string) => Promise<EngineSite>;
}
