import type { Clock } from "../clock.ts";
import type { LeaseStore } from "../metadata/leases.ts";
import type { Scope } from "../names.ts";

const EXPIRY_LABEL = "containerd.io/gc.expire";
/** What a lease of ours is about; a later transfer of the same goes on with what it holds. */
const SUBJECT_LABEL = "tsrund.transfer/subject";
const LIFE_NS = 24n * 3600n * 1_000_000_000n;
const NS_PER_MS = 1_000_000n;

/** Keeps what a transfer has brought until something else keeps it. */
export class TransferLeases {
  readonly #leases: LeaseStore;
  readonly #clock: Clock;
  readonly #open = new Set<string>();

  constructor(leases: LeaseStore, clock: Clock) {
    this.#leases = leases;
    this.#clock = clock;
  }

  /**
   * Does some work with the client's lease or, if it has named none, one of its own. After a failure the lease stays for a
   * day, so that the next transfer about the same subject goes on with what is there; a success ends all of them.
   */
  async during<T>(scope: Scope, subject: string, work: (scope: Scope) => Promise<T>): Promise<T> {
    const { namespace, lease = "" } = scope;
    if (lease !== "") return await work(scope);
    const expiry = new Date(Number((this.#clock() + LIFE_NS) / NS_PER_MS)).toISOString();
    const labels = new Map([
      [EXPIRY_LABEL, expiry],
      [SUBJECT_LABEL, subject.slice(0, MAX_SUBJECT_CHARS)],
    ]);
    const { id } = this.#leases.create(namespace, { id: "", labels });
    const key = `${namespace}/${id}`;
    this.#open.add(key);
    try {
      const result = await work({ namespace, lease: id });
      this.#open.delete(key);
      this.#end(namespace, labels.get(SUBJECT_LABEL) ?? "");
      return result;
    } catch (error) {
      this.#open.delete(key);
      if (this.#leases.listResources(namespace, id).length === 0) this.#leases.delete(namespace, id);
      throw error;
    }
  }

  /** Deletes the leases about a subject that nobody works with. */
  #end(namespace: string, subject: string): void {
    for (const { id, labels } of this.#leases.list(namespace, [])) {
      const isOurs = labels.get(SUBJECT_LABEL) === subject;
      if (isOurs && !this.#open.has(`${namespace}/${id}`)) this.#leases.delete(namespace, id);
    }
  }
}

const MAX_SUBJECT_CHARS = 1024;
