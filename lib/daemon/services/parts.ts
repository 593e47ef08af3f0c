import type { EventBus } from "../events/event-bus.ts";
import type { Store } from "../store.ts";

/** What services that change the store work with. */
export interface StoreParts {
  readonly store: Store;
  readonly events: EventBus;
  /** Something was deleted: removes what nothing needs any more, before this returns or soon. */
  readonly collectGarbage: (options: { readonly now: boolean }) => void;
}
