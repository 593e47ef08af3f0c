/** One thing a person types at tsctr; the cases of a list build on what those before them have left. */
export interface Case {
  readonly name: string;
  /** For bash. `tsctr` talks to the daemon; $TAG begins the name of every container, $IMAGE is there, $ARCHIVE is its file. */
  readonly script: string;
  /** Why only tsrund is asked. */
  readonly ownOnly?: string;
  /** The lines of what it prints are compared sorted. */
  readonly unordered?: boolean;
}
