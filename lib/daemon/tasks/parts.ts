import type { Kernel } from "../../linux/kernel.ts";
import type { Background } from "../background.ts";
import type { Clock } from "../clock.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { Container } from "../metadata/containers.ts";
import type { TypedBytes } from "../metadata/typed-bytes.ts";
import type { Mount } from "../snapshots/driver.ts";
import type { TaskRoots } from "./bundle.ts";
import type { DaemonAddresses } from "./call-shim.ts";
import type { RuntimeSettings } from "./shim-command.ts";

/** What tasks are managed with. */
export interface TaskManagerParts {
  readonly kernel: Kernel;
  readonly roots: TaskRoots;
  readonly addresses: DaemonAddresses;
  readonly runtimes: RuntimeSettings;
  /** How many shims wait for tasks. */
  readonly idleShims: number;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly networks: TaskNetworks;
  readonly background: Background;
  readonly warn: (message: string) => void;
  /** Takes what is of use to those alone who look for a fault. */
  readonly tell: (message: string) => void;
}

/** The networks of containers, as far as tasks have to do with them. */
export interface TaskNetworks {
  /** Makes what a container asks for. Gives the config.json of its task. @throws {ContainerError} with nothing left */
  attach(namespace: string, container: Container): Promise<Uint8Array>;
  /** Removes it; where there is nothing, nothing is done. @throws {ContainerError} */
  release(owner: { readonly namespace: string; readonly id: string }): Promise<void>;
}

/** What a task is created with. */
export interface NewTask {
  readonly rootfs: readonly Mount[];
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
  readonly options?: TypedBytes | undefined;
  /** Puts the images of a checkpoint into a directory: the task is restored from them when it is started. */
  readonly restore?: ((directory: string) => Promise<void>) | undefined;
  /** A shim in place of that of the container's runtime; "" for none. */
  readonly runtimePath: string;
}
