/** One thing a person types at `ctr`; the cases of a list build on what those before them have left. */
export interface Case {
  readonly name: string;
  /**
   * For bash. `ctr` is that of the daemon, `terminal COMMAND` runs a command on a terminal nobody types at; $TAG begins the
   * name of every container, $IMAGE is there, $ARCHIVE is its file.
   */
  readonly script: string;
  /** The lines of what it prints are compared sorted: for sets, and for lines that differ in an age before they are normalised. */
  readonly unordered?: boolean;
}
