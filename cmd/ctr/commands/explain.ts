import { findContainer } from "../../../lib/client/containers.ts";
import { ContainerError } from "../../../lib/errors.ts";
import { required } from "../../args.ts";
import { oneOf } from "../../flags.ts";
import { ctrCommand } from "../command.ts";

/** Where a daemon has the bundle is its own affair, and nothing of the program depends on it. */
const BUNDLE = "/BUNDLE";

export const explainCommand = ctrCommand({
  name: "explain",
  summary: "print the system calls that make a container, in order",
  description:
    "As tsrun explain does for a bundle: what tsrun does on this machine with the spec of the container, each system call with " +
    "the property that it comes from. What a daemon adds when it starts a task, such as networks, is not in it.",
  args: { id: required("container", "its id, or the begin of it", (given) => given) },
  flags: { format: oneOf(["text", "json"], "how to print") },
  run: async (context, { id }, { format }) => {
    const client = await context.connect();
    const { id: found, spec } = await findContainer(client, id);
    if (spec === null) throw new ContainerError("failed_precondition", `container ${found} has no spec`);
    const [{ explainConfig }, { parseConfig }] = await Promise.all([
      import("../../../lib/runtime/explain.ts"),
      import("../../../lib/spec/parse-config.ts"),
    ]);
    const { config, exact } = parseConfig(new TextDecoder().decode(spec.value));
    const { kernel, env } = context;
    const options = {
      ...{ kernel, root: "/run/tsrun", searchPath: env["PATH"] ?? "", systemdCgroup: false, rootless: false },
      session: { runtimeDirectory: undefined, busAddress: undefined },
      debug: () => undefined,
      warn: (message: string) => context.warn(message),
    };
    const request = { config, exact, format, bundle: BUNDLE, rootfs: `${BUNDLE}/rootfs` };
    await context.print(await explainConfig(options, request));
    return 0;
  },
});
