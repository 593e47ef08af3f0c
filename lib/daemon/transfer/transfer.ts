import type { Platform } from "../../image/platforms.ts";
import type { Report } from "../../registry/progress.ts";
import type { Image, NewImage } from "../metadata/images.ts";
import type { Scope } from "../names.ts";
import type { Store } from "../store.ts";
import type { TransferLeases } from "./leases.ts";

/** What a transfer works with. */
export interface TransferParts {
  readonly store: Store;
  readonly leases: TransferLeases;
  /** What this machine runs. */
  readonly platform: Platform;
  /** Makes an image, or lets its name stand for something else from now on, and tells of it. */
  readonly save: (namespace: string, image: NewImage) => Image;
}

/** One transfer. */
export interface TransferContext {
  readonly scope: Scope;
  readonly report: Report;
  readonly signal: AbortSignal;
}
