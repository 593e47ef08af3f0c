import { join } from "node:path";
import { docker } from "../engines/docker.ts";
import { hasEnded, showCases } from "../engines/show.ts";
import { HostNetwork } from "../harness/host-network.ts";
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

/** What a person types at docker, whose dockerd uses tsrund, and one that it has started itself; runc runs either. */
export async function dockerChecks(workspace: Workspace, parts: Parts, tally: Tally): Promise<void> {
  const missing = docker.programs.filter((program) => Bun.which(program) === null);
  if (missing.length > 0) {
    tally.skip("docker", `not installed: ${missing.join(", ")}`);
    return;
  }
  const path = Bun.which("runc") ?? "runc";
  const { only = "", layer } = parts;
  const cases = docker.cases.filter(({ name }) => name.includes(only));
  const shown = { engine: docker, cases, workspace, image: layer };
  const theirs = await showCases(shown, { name: "containerd", path });
  const network = new HostNetwork(workspace);
  await network.open();
  const daemon = new Tsrund(join(workspace.folder, "dockers"), parts.program, { within: network.within });
  try {
    await daemon.start();
    const containerd = { address: daemon.address, network };
    const ours = await showCases(shown, { name: "tsrund", path, containerd });
    for (const [name, lines] of theirs) judge(name, { theirs: lines, ours: ours.get(name) ?? [] }, parts, tally);
  } finally {
    await daemon.stop("SIGTERM");
    await network.close();
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
  if (!hasEnded(theirs)) tally.fail(name, ["it has not ended", ...theirs]);
  else if (isEqual && reason === undefined) tally.pass(name);
  else if (isEqual) tally.fail(name, ["it is equal, but is said to differ", reason ?? ""]);
  else if (reason !== undefined) tally.pass(`${name}: differs, as known: ${reason}`);
  else tally.fail(name, [...theirs.map((line) => `containerd  ${line}`), ...ours.map((line) => `tsrund      ${line}`)]);
}
