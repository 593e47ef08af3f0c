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
import { readOptions } from "../harness/options.ts";
import { runSuite } from "../harness/suite.ts";
import { runChecks } from "./check.ts";
import { exchangeChecks } from "./checks/exchange.ts";
import { faultChecks } from "./checks/faults.ts";
import { loginChecks } from "./checks/logins.ts";
import { RegistrySite } from "./site.ts";

const CHECKS = [...exchangeChecks, ...loginChecks, ...faultChecks];
const NEEDED = ["docker-registry", "skopeo", "umoci", "openssl", "ctr", "busybox"];

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    only: { type: "string", default: "" },
    program: { type: "string", default: join(import.meta.dir, "../../dist/tsrund") },
  });
  return await runSuite({
    name: "registry",
    programs: NEEDED,
    judge: async (workspace, tally) => {
      const site = await RegistrySite.start(workspace, values.program);
      try {
        const chosen = CHECKS.filter(({ name }) => name.includes(values.only));
        await runChecks(chosen, site, tally);
      } finally {
        await site.stop();
      }
    },
  });
}

process.exitCode = await main();
