import { findContainer } from "../../../lib/client/containers.ts";
import { openContainerRoot } from "../../../lib/client/copy/container-root.ts";
import {
  type CopyOptions,
  copyTree,
  type Place,
  packPlace,
  parseCopyPath,
  unpackPlace,
} from "../../../lib/client/copy/copy.ts";
import { ownerInside } from "../../../lib/client/spec/owner.ts";
import type { Container } from "../../../lib/client/tasks.ts";
import { openRoot } from "../../../lib/linux/tree/open.ts";
import { fromText } from "../../../lib/linux/tree/paths.ts";
import { required } from "../../args.ts";
import { boolean } from "../../flags.ts";
import { UsageError } from "../../usage-error.ts";
import { ctrCommand } from "../command.ts";
import type { CtrContext } from "../context.ts";
import { readInput } from "../file-input.ts";
import { writeOutput } from "../file-output.ts";

export const cpCommand = ctrCommand({
  name: "cp",
  summary: "copy files into a container or out of it",
  description:
    "Of a container that runs, or not. A directory is copied into one that is there, and else by the name given; DIR/. means " +
    "what is in it. - stands for a tar archive on standard input or output. Copies belong to root of the container, or to " +
    "who calls this; out of a container, no file keeps setuid, setgid or capabilities, and devices are left out, unless " +
    "--archive says otherwise. No link of a container leads out of it, and none below the destination is followed.",
  examples: [
    { command: "cp web:/etc/hosts .", summary: "a file out of a container" },
    { command: "cp site/. web:/srv", summary: "what is in a directory into one of a container" },
    { command: "cp web:/var/log - | tar t", summary: "as an archive" },
  ],
  args: {
    from: required("source", "path, CONTAINER:PATH, or - for an archive", (given) => given),
    to: required("destination", "path, CONTAINER:PATH, or - for an archive", (given) => given),
  },
  flags: {
    archive: boolean("keep owners, and what gives privileges", { short: "a" }),
    followLink: boolean("follow a link that is the source itself", { short: "L" }),
  },
  run: async (context, { from, to }, { archive, followLink }) => {
    const [source, target] = [parseCopyPath(from), parseCopyPath(to)];
    if ((source.container === undefined) === (target.container === undefined)) {
      throw new UsageError("one of source and destination must be a path of a container, the other one must not");
    }
    const client = await context.connect();
    const container = await findContainer(client, source.container ?? target.container ?? "");
    using root = await openContainerRoot(context.kernel, client, container);
    const inside = (path: string): Place => ({
      root: root.number,
      label: `${container.id}:`,
      path: path === "" ? "/" : path,
    });
    const options = optionsOf(context, container, {
      archive,
      follow: followLink,
      isOut: source.container !== undefined,
    });
    const { kernel } = context;
    if (to === "-")
      await writeOutput(context, "-", packPlace(kernel, inside(source.path), options), { isBinary: true });
    else if (from === "-") await unpackPlace(kernel, readInput(context, "-"), inside(target.path), options);
    else {
      using host = openRoot(kernel, "/");
      const outside = (path: string): Place => {
        return { root: host.number, label: "", path: path.startsWith("/") ? path : `${fromText(context.cwd)}/${path}` };
      };
      if (source.container === undefined) await copyTree(kernel, outside(source.path), inside(target.path), options);
      else await copyTree(kernel, inside(source.path), outside(target.path), options);
    }
    return 0;
  },
});

function optionsOf(
  context: CtrContext,
  container: Container,
  how: { readonly archive: boolean; readonly follow: boolean; readonly isOut: boolean },
): CopyOptions {
  const { archive, follow, isOut } = how;
  const caller = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const owner = isOut ? caller : ownerInside(container);
  const looks = { owner: archive ? undefined : owner, mayPrivilege: archive || !isOut };
  return { follow, looks, warn: (message) => context.warn(message) };
}
