import { api } from "../../../lib/client/api.ts";
import { COMMIT, VERSION } from "../../version.ts";
import { ctrCommand } from "../command.ts";
import { formatFlag, printJson } from "../listing.ts";

export const versionCommand = ctrCommand({
  name: "version",
  summary: "print the versions of this program and of the daemon",
  args: {},
  flags: { format: formatFlag },
  run: async (context, _args, { format }) => {
    const client = await context.connect();
    const [server, { uuid }] = await Promise.all([
      client.call(api.version.get, {}),
      client.call(api.introspection.server, {}),
    ]);
    const { version, revision } = server;
    if (format === "json") {
      const own = { version: VERSION, revision: COMMIT };
      await printJson(context, { client: own, server: { version, revision, uuid, address: context.address } });
      return 0;
    }
    const lines = [
      "Client:",
      `  Version:  ${VERSION}`,
      `  Revision: ${COMMIT}`,
      "Server:",
      `  Version:  ${version}`,
      `  Revision: ${revision}`,
      `  UUID:     ${uuid}`,
      `  Address:  ${context.address}`,
    ];
    await context.print(`${lines.join("\n")}\n`);
    return 0;
  },
});
