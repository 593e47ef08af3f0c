import { run } from "../harness/process.ts";
import type { Workspace } from "../harness/workspace.ts";
import type { Engine, EngineCase, EngineRuntime } from "./engine.ts";
import { normaliseOutput } from "./normalise.ts";

/** What one runtime showed: the lines of each case. */
export type Shown = ReadonlyMap<string, readonly string[]>;

interface Parts {
  readonly engine: Engine;
  readonly cases: readonly EngineCase[];
  readonly workspace: Workspace;
  /** A tar archive: the only layer of the image that the cases use. */
  readonly image: string;
}

/** Killed by its limit of time. */
const LATE = "status 137";

/** What the cases print, one after the other, in an engine of their own with this runtime. */
export async function showCases({ engine, cases, workspace, image }: Parts, runtime: EngineRuntime): Promise<Shown> {
  const site = await engine.open(workspace, runtime, image);
  const shown = new Map<string, readonly string[]>();
  try {
    for (const { name, script } of cases) {
      const command = ["bash", "-c", `${site.preamble}\n${script}`];
      const { status, stdout, stderr } = await run(command, { scratch: workspace.folder });
      const lines = [`status ${status}`, ...marked("stdout", stdout), ...marked("stderr", stderr)];
      shown.set(name, normaliseOutput(lines, { folder: workspace.folder, tag: workspace.tag, runtime }));
    }
  } finally {
    await site.close();
  }
  return shown;
}

function marked(mark: string, text: string): readonly string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => `${mark}: ${line}`);
}

/** True where a case came to its end; two that hang are not equal. */
export function hasEnded(lines: readonly string[]): boolean {
  return lines[0] !== LATE;
}
