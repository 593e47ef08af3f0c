/** Something in which the records and the disk do not agree. */
export interface Disagreement {
  readonly what: string;
  readonly why: string;
}
