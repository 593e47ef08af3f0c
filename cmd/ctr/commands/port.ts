import { findContainer } from "../../../lib/client/containers.ts";
import { hostAddress, type PublishedPort, readNetworkStatus } from "../../../lib/client/network-status.ts";
import { ContainerError } from "../../../lib/errors.ts";
import type { Arg } from "../../args.ts";
import { required } from "../../args.ts";
import { ctrCommand } from "../command.ts";

const portArg: Arg<{ readonly port: number; readonly protocol: string } | undefined> = {
  label: "[port]",
  summary: "one of the container's ports: PORT[/PROTOCOL]",
  min: 0,
  max: 1,
  parse: ([given]) => {
    if (given === undefined) return undefined;
    const [, port, protocol = "tcp"] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(given) ?? [];
    if (port === undefined) throw new TypeError(`${JSON.stringify(given)} must be like 80 or 53/udp`);
    return { port: Number(port), protocol };
  },
};

export const portCommand = ctrCommand({
  name: "port",
  summary: "print where the published ports of a container are on the host",
  examples: [{ command: "port web 80", summary: "the address that leads to port 80" }],
  args: { id: required("container", "its id, or the begin of it", (given) => given), port: portArg },
  flags: {},
  run: async (context, { id, port: wanted }) => {
    const container = await findContainer(await context.connect(), id);
    const { ports } = readNetworkStatus(container) ?? { ports: [] };
    if (wanted === undefined) {
      await context.print(
        ports.map((each) => `${each.containerPort}/${each.protocol} -> ${hostAddress(each)}\n`).join(""),
      );
      return 0;
    }
    const { port, protocol } = wanted;
    const isMeant = (each: PublishedPort) => each.containerPort === port && each.protocol === protocol;
    const found = ports.filter(isMeant);
    if (found.length === 0) throw notPublished(container.id, `${port}/${protocol}`);
    await context.print(found.map((each) => `${hostAddress(each)}\n`).join(""));
    return 0;
  },
});

function notPublished(id: string, port: string): ContainerError {
  return new ContainerError("not_found", `container ${id} publishes no port ${port}, or does not run`);
}
