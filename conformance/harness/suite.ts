import { say, Tally } from "./tally.ts";
import { type Workspace, withWorkspace } from "./workspace.ts";

/** What a suite is, before it runs. */
export interface SuiteParts {
  /** It begins the name of all that the suite makes. */
  readonly name: string;
  /** Programs that have to be found in PATH. */
  readonly programs: readonly string[];
  /** What else is not installed, by the name of its package. */
  readonly missing?: readonly string[];
  /** Fills the tally. What it throws is one more failure. */
  readonly judge: (workspace: Workspace, tally: Tally) => Promise<void>;
}

/** Runs a suite that needs root, in a workspace of its own, and prints its counts. Returns the exit status. */
export async function runSuite({ name, programs, missing = [], judge }: SuiteParts): Promise<number> {
  const tally = new Tally();
  const absent = [...programs.filter((program) => Bun.which(program) === null), ...missing];
  if (absent.length > 0 || process.geteuid?.() !== 0) {
    tally.fail("setting up", [absent.length > 0 ? `not installed: ${absent.join(", ")}` : "needs root"]);
    return tally.finish();
  }
  await withWorkspace(name, async (workspace) => {
    try {
      await judge(workspace, tally);
    } catch (error) {
      tally.fail("the suite", String(error instanceof Error ? error.stack : error).split("\n"));
    }
  });
  say("");
  return tally.finish();
}
