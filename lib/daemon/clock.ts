/** Gives the time in nanoseconds since 1970. Timestamps of objects never repeat, so that they sort. */
export type Clock = () => bigint;

const NS_PER_MS = 1_000_000n;

/** The system's clock. Within a millisecond, each reading is a nanosecond later than the one before. */
export function systemClock(): Clock {
  let last = 0n;
  return () => {
    const now = BigInt(Date.now()) * NS_PER_MS;
    // A clock that was set back is followed, as long as it is more than a reading's own fraction.
    last = now > last || last - now > NS_PER_MS ? now : last + 1n;
    return last;
  };
}
