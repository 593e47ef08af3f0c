import { exists, findStatus } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { isKnown } from "./launch.ts";
import type { Tasks } from "./tasks.ts";

/** How long a shim waits for somebody who connects, and how often it looks whether anybody can. */
const ABANDONED_MS = 60_000;
const LOOK_MS = 5_000;

/** A shim that may come to be alone. */
export interface Abandonable {
  readonly kernel: Kernel;
  readonly tasks: Tasks;
  /** Absolute path: the bundle of the first container. */
  readonly bundle: string;
  readonly socket: BoundSocket;
}

/**
 * Notices that nobody will ever ask for this shim again. Whoever is connected may; and who comes later has to find the
 * address in a bundle, and the socket where that says. What is left then:
 *
 * - no task. A supervisor that was killed while it made a container may not know of its shim any more.
 * - tasks whose bundles are gone, as when somebody has removed the supervisor's folder. One with a process that runs is
 *   left alone until that ends; any other is deleted, or its name would stay taken for ever.
 * - a socket that is another shim's by now. The tasks are that one's then: they are left to it.
 */
export class AbandonTimer implements Disposable {
  readonly #shim: Abandonable;
  readonly #onAbandoned: () => void;
  #timer: Timer | undefined;

  constructor(shim: Abandonable, onAbandoned: () => void) {
    this.#shim = shim;
    this.#onAbandoned = onAbandoned;
    this.count(0);
  }

  /** To be told how many connections there are. */
  count(connections: number): void {
    clearInterval(this.#timer);
    if (connections > 0) return;
    const sinceMs = performance.now();
    this.#timer = setInterval(() => {
      if (isAbandoned(this.#shim, performance.now() - sinceMs)) this.#onAbandoned();
    }, LOOK_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Whether nobody will ask again. Tasks that are lost begin to be deleted, and are not there at the next look. */
function isAbandoned({ kernel, tasks, bundle, socket }: Abandonable, aloneMs: number): boolean {
  if (tasks.isEmpty) return aloneMs >= ABANDONED_MS || !isKnown(kernel, bundle);
  if (!tasks.isAtRest) return false;
  if (!socket.isOurs) return true;
  tasks.deleteLost();
  return aloneMs >= ABANDONED_MS && tasks.areLost;
}

/** The socket file of a shim, which is its own as long as nobody has put another in its place. */
export class BoundSocket {
  readonly path: string;
  readonly #kernel: Kernel;
  readonly #inode: bigint | undefined;

  /** To be made while the shim that has bound it is the only one who could have. */
  constructor(kernel: Kernel, path: string) {
    this.path = path;
    this.#kernel = kernel;
    this.#inode = findStatus(kernel, path)?.inode;
  }

  get isOurs(): boolean {
    return exists(this.#kernel, this.path) && findStatus(this.#kernel, this.path)?.inode === this.#inode;
  }
}
