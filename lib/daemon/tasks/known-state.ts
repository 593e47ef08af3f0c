import { containerd } from "../../../proto/gen/daemon.js";
import type { ProcessState } from "./shim.ts";

const { Status } = containerd.v1.types;

/**
 * What a shim of ours has said of the first process of its task, as long as nothing can have changed since: a process that
 * has ended stays as it is, and one that is alive is changed by calls alone, all of which are made through this process.
 */
export class KnownState {
  #known: { readonly state: ProcessState; readonly changes: number } | undefined;
  #changes = 0;

  /** A call that changes something begins or ends, or another shim answers from here on. */
  change(): void {
    this.#changes++;
  }

  /** The state, when it is known; `isAlive` is asked whether a process lives. */
  find(isAlive: (pid: number) => boolean): ProcessState | undefined {
    if (this.#known?.changes !== this.#changes) return undefined;
    const { state } = this.#known;
    return state.status === Status.STOPPED || isAlive(state.pid) ? state : undefined;
  }

  /** Asks, and keeps the answer unless something has changed meanwhile. */
  async ask(question: () => Promise<ProcessState>): Promise<ProcessState> {
    const changes = this.#changes;
    const state = await question();
    this.#known = { state, changes };
    return state;
  }
}
