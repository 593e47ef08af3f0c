/**
 * Does some work with each of the items, a few at a time. The first failure ends the others; it is thrown when all have
 * ended. @throws the first failure; the reason of the signal
 */
export async function inParallel<T>(
  items: readonly T[],
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const either = AbortSignal.any([signal, controller.signal]);
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) {
      if (either.aborted) return;
      try {
        await work(item, either);
      } catch (error) {
        controller.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  signal.throwIfAborted();
  controller.signal.throwIfAborted();
}
