/** One value of a container. */
export interface Measure {
  /** What follows `container_`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A uint64 as it was decoded; what is not there is 0. */
export function toNumber(value: unknown): number {
  return value === undefined || value === null ? 0 : Number(String(value));
}
