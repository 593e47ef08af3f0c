/**
 * cgroup2: what tsrun does on a machine with cgroup v2 alone and systemd, by both cgroup drivers.
 *
 *   bun conformance/cgroup2/main.ts [--vm-run PROGRAM] [--runtime PATH]
 *
 * PROGRAM, or $TSRUN_VM_RUN, runs a command as root in such a machine: `PROGRAM --systemd --share DIRECTORY -- COMMAND…`,
 * with the directory at the same place. Without one the suite is one skip.
 */
import { dirname, join } from "node:path";
import { readOptions } from "../harness/options.ts";
import { findProgram } from "../harness/runtime.ts";
import { Tally } from "../harness/tally.ts";

const CHECKS = join(import.meta.dir, "checks.sh");

const values = readOptions(import.meta.path, { "vm-run": { type: "string" }, runtime: { type: "string" } });
process.exitCode = await main(values["vm-run"] ?? process.env["TSRUN_VM_RUN"], values.runtime);

async function main(vmRun: string | undefined, runtime: string | undefined): Promise<number> {
  const tally = new Tally();
  if (vmRun === undefined) {
    tally.skip("cgroup2", "no machine with cgroup v2 alone: give --vm-run or TSRUN_VM_RUN");
    tally.finish();
    return 0;
  }
  const path = findProgram(runtime ?? join(import.meta.dir, "../../dist/tsrun"));
  if (path === undefined) throw new Error(`no such runtime: ${runtime ?? "dist/tsrun (npm run build makes it)"}`);
  const shares = [...new Set([dirname(CHECKS), dirname(path)])].flatMap((directory) => ["--share", directory]);
  const child = Bun.spawn([vmRun, "--systemd", ...shares, "--", "bash", CHECKS, path], { stderr: "inherit" });
  const lines = (await new Response(child.stdout).text()).split("\n");
  for (const line of lines) judge(tally, line);
  // A script that stops half-way has nothing to say of what it has not come to.
  if (!lines.includes("done")) tally.fail("the script came to its end", [`exit status ${await child.exited}`]);
  return tally.finish();
}

function judge(tally: Tally, line: string): void {
  const verdict = /^(ok|not ok) ([^:]*: [^:]*)(?:: (.*))?$/.exec(line);
  if (verdict?.[1] === "ok") tally.pass(verdict[2] ?? "");
  else if (verdict !== null) tally.fail(verdict[2] ?? "", [verdict[3] ?? ""]);
}
