import type { EventBus } from "../events/event-bus.ts";
import type { Store } from "../store.ts";

/** `now` is before the answer, `soon` after it, and `some time` when it has come together with more. */
export type Collection = "now" | "soon" | "some time";

/** What services that change the store work with. */
export interface StoreParts {
  readonly store: Store;
  readonly events: EventBus;
  /** Something was deleted: what nothing needs any more is to be removed. */
  readonly collectGarbage: (when: Collection) => void;
}
