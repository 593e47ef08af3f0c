import { api } from "../../../lib/client/api.ts";
import { ContainerError } from "../../../lib/errors.ts";
import { required } from "../../args.ts";
import { ctrCommand } from "../command.ts";
import { timeText } from "../labels.ts";
import { printJson } from "../listing.ts";

export const leasesInfoCommand = ctrCommand({
  name: "leases info",
  summary: "print a lease, and what it keeps, as JSON",
  args: { id: required("id", "id of the lease", (given) => given) },
  flags: {},
  run: async (context, { id }) => {
    const client = await context.connect();
    const { leases } = await client.call(api.leases.list, { filters: [`id==${JSON.stringify(id)}`] });
    const [lease] = leases;
    if (lease === undefined) throw new ContainerError("not_found", `lease ${id} not found`);
    const { resources } = await client.call(api.leases.listResources, { id });
    const { createdAt, labels } = lease;
    await printJson(context, {
      ...{ id, createdAt: timeText(createdAt), labels },
      resources: resources.map(({ id: resource, type }) => ({ type, id: resource })),
    });
    return 0;
  },
});
