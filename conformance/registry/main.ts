/**
 * registry: Transfer, and ctr's own pull and push, between tsrund and registries: Debian's docker-registry with images that
 * umoci and skopeo have made, with logins, certificates and mirrors; and registries that lie, break off and stall, while
 * the daemon is killed.
 *
 *   bun conformance/registry/main.ts [--only TEXT] [--program PATH]
 *
 * Needs root, docker-registry, skopeo, umoci, openssl, ctr and busybox (static). Everything listens on loopback.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { say, Tally } from "../harness/tally.ts";
import { withWorkspace } from "../harness/workspace.ts";
import { runChecks } from "./check.ts";
import { exchangeChecks } from "./checks/exchange.ts";
import { faultChecks } from "./checks/faults.ts";
import { loginChecks } from "./checks/logins.ts";
import { RegistrySite } from "./site.ts";

const CHECKS = [...exchangeChecks, ...loginChecks, ...faultChecks];
const NEEDED = ["docker-registry", "skopeo", "umoci", "openssl", "ctr", "busybox"];

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string", default: "" },
      program: { type: "string", default: join(import.meta.dir, "../../dist/tsrund") },
    },
  });
  const tally = new Tally();
  const missing = NEEDED.filter((program) => Bun.which(program) === null);
  if (missing.length > 0 || process.geteuid?.() !== 0) {
    tally.fail("setting up", [missing.length > 0 ? `not installed: ${missing.join(", ")}` : "needs root"]);
    return tally.finish();
  }
  await withWorkspace("registry", async (workspace) => {
    let site: RegistrySite | undefined;
    try {
      site = await RegistrySite.start(workspace, values.program);
      const chosen = CHECKS.filter(({ name }) => name.includes(values.only));
      await runChecks(chosen, site, tally);
    } catch (error) {
      tally.fail("the suite", String(error instanceof Error ? error.stack : error).split("\n"));
    } finally {
      await site?.stop();
    }
  });
  say("");
  return tally.finish();
}

process.exitCode = await main();
