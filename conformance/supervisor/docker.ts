import { join } from "node:path";
import { docker } from "../engines/docker.ts";
import type { EngineRuntime } from "../engines/engine.ts";
import { normaliseOutput } from "../engines/normalise.ts";
import { run } from "../harness/process.ts";
import type { Tally } from "../harness/tally.ts";
import type { Workspace } from "../harness/workspace.ts";
import { Tsrund } from "./tsrund.ts";

interface Parts {
  readonly program: string;
  /** The layer of an image, as a tar archive. */
  readonly layer: string;
  readonly only: string | undefined;
  readonly failing: ReadonlyMap<string, string>;
}

type Shown = ReadonlyMap<string, readonly string[]>;

async function show(workspace: Workspace, runtime: EngineRuntime, { layer, only }: Parts): Promise<Shown> {
  const site = await docker.open(workspace, runtime, layer);
  const shown = new Map<string, readonly string[]>();
  try {
    for (const { name, script } of docker.cases) {
      if (only !== undefined && !name.includes(only)) continue;
      const { status, stdout, stderr } = await run(["bash", "-c", `${site.preamble}\n${script}`], {
        scratch: workspace.folder,
      });
      const mark = (prefix: string, text: string) =>
        text
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => `${prefix}: ${line}`);
      const lines = [`status ${status}`, ...mark("stdout", stdout), ...mark("stderr", stderr)];
      shown.set(name, normaliseOutput(lines, { folder: workspace.folder, tag: workspace.tag, runtime }));
    }
  } finally {
    await site.close();
  }
  return shown;
}

/** What a person types at docker, whose dockerd uses tsrund, and one that it has started itself; runc runs either. */
export async function dockerChecks(workspace: Workspace, parts: Parts, tally: Tally): Promise<void> {
  const missing = docker.programs.filter((program) => Bun.which(program) === null);
  if (missing.length > 0) {
    tally.skip("docker", `not installed: ${missing.join(", ")}`);
    return;
  }
  const path = Bun.which("runc") ?? "runc";
  const theirs = await show(workspace, { name: "containerd", path }, parts);
  const daemon = new Tsrund(join(workspace.folder, "dockers"), parts.program);
  await daemon.start();
  try {
    const ours = await show(workspace, { name: "tsrund", path, containerd: daemon.address }, parts);
    for (const [name, lines] of theirs) judge(name, { theirs: lines, ours: ours.get(name) ?? [] }, parts, tally);
  } finally {
    await daemon.stop("SIGTERM");
  }
}

function judge(
  name: string,
  { theirs, ours }: { readonly theirs: readonly string[]; readonly ours: readonly string[] },
  { failing }: Parts,
  tally: Tally,
): void {
  const reason = failing.get(name);
  const isEqual = theirs.join("\n") === ours.join("\n");
  if (isEqual && reason === undefined) tally.pass(name);
  else if (isEqual) tally.fail(name, ["it is equal, but is said to differ", reason ?? ""]);
  else if (reason !== undefined) tally.pass(`${name}: differs, as known: ${reason}`);
  else tally.fail(name, [...theirs.map((line) => `containerd  ${line}`), ...ours.map((line) => `tsrund      ${line}`)]);
}
