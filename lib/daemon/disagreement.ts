/** Something in which the records and the disk do not agree, or the records among themselves. */
export interface Disagreement {
  readonly what: string;
  readonly why: string;
  /** How it can be set right without losing what somebody may want; undefined where somebody has to decide. */
  readonly repair?: Repair | undefined;
  /** What somebody can do where nothing can be done for him. */
  readonly remedy?: string | undefined;
}

export interface Repair {
  /** What it does, as said of something that was done. */
  readonly done: string;
  run(): Promise<void> | void;
}
