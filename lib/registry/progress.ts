import type { Descriptor } from "../image/descriptor.ts";

/** transfer/progress.proto: something that has happened on the way. */
export interface Progress {
  /** E.g. `downloading`; a whole sentence for the image itself. */
  readonly event: string;
  /** What it happened to: the name of the image, or {@link refOf} a blob. */
  readonly name: string;
  /** What it is a part of. */
  readonly parents?: readonly string[];
  readonly progress?: number;
  readonly total?: number;
  readonly descriptor?: Descriptor;
}

/** Told of progress. Must not throw. */
export type Report = (progress: Progress) => void;

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/index\.v1|manifest\.list\.v2/, "index"],
  [/image\.manifest\.v1|distribution\.manifest\.v2/, "manifest"],
  [/layer|rootfs\.(?:foreign\.)?diff/, "layer"],
  [/image\.config\.v1|container\.image\.v1/, "config"],
];

/** What a blob is called in progress, and while it is written: `layer-sha256:…`, as containerd's clients know it. */
export function refOf({ mediaType, digest }: Pick<Descriptor, "mediaType" | "digest">): string {
  const kind = KINDS.find(([pattern]) => pattern.test(mediaType))?.[1] ?? "unknown";
  return `${kind}-${digest}`;
}

/** The progress of one blob. Bytes are told now and then, not with each chunk. */
export class BlobProgress {
  readonly #report: Report;
  readonly #about: { readonly name: string; readonly parents: readonly string[]; readonly descriptor: Descriptor };
  #lastMs = 0;

  constructor(report: Report, descriptor: Descriptor, parent: string) {
    this.#report = report;
    this.#about = { name: refOf(descriptor), parents: [parent], descriptor };
  }

  tell(event: string, progress: number): void {
    this.#report({ ...this.#about, event, progress, total: this.#about.descriptor.size });
  }

  /** Tells unless something was told just before. */
  tellNow(event: string, progress: number): void {
    const now = performance.now();
    if (now - this.#lastMs < INTERVAL_MS) return;
    this.#lastMs = now;
    this.tell(event, progress);
  }
}

const INTERVAL_MS = 100;
