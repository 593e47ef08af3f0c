import { RequestFailure } from "./failures.ts";

/** How often, and after how long, something is tried again. */
export interface RetryLimits {
  readonly attempts: number;
  /** Doubled from one attempt to the next. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** A registry that asks to wait longer is not waited for. */
  readonly maxRetryAfterMs: number;
}

/** Tries again what may succeed later. @throws {RequestFailure} the last failure; the reason of the signal */
export async function retried<T>(work: () => Promise<T>, limits: RetryLimits, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const delayMs = findDelay(error, attempt, limits);
      if (delayMs === undefined) throw error;
      await sleep(delayMs, signal);
    }
  }
}

/** How long to wait after the Nth failure in a row; undefined when it is the last. */
export function findDelay(error: unknown, attempt: number, limits: RetryLimits, random = Math.random()) {
  if (!(error instanceof RequestFailure && error.isTransient) || attempt >= limits.attempts) return undefined;
  const { retryAfterMs = 0 } = error;
  if (retryAfterMs > limits.maxRetryAfterMs) return undefined;
  const full = Math.min(limits.maxDelayMs, limits.firstDelayMs * 2 ** (attempt - 1));
  // Clients that failed together must not come back together.
  return Math.max(retryAfterMs, full / 2 + (random * full) / 2);
}

/** @throws the reason of the signal */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
