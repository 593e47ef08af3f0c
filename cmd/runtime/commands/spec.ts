import { ContainerError } from "../../../lib/errors.ts";
import { command } from "../../command.ts";
import { fileError } from "../../file-error.ts";
import { boolean, path } from "../../flags.ts";
import { absolutePath } from "../../path.ts";
import type { RuntimeContext } from "../context.ts";

export const specCommand = command({
  name: "spec",
  summary: "write an example config.json",
  description:
    "The example runs sh in the directory rootfs beside it, with a terminal, in namespaces of its own and with few " +
    "capabilities. An existing config.json is left as it is.",
  examples: [
    { command: "spec", summary: "write config.json here" },
    { command: "spec --rootless -b web", summary: "write web/config.json for a caller who is not root" },
  ],
  args: {},
  flags: {
    bundle: path("directory to write to (default: the current directory)", { short: "b", label: "DIR" }),
    rootless: boolean("for a container of an ordinary user"),
  },
  run: async (context: RuntimeContext, _args, { bundle = ".", rootless }) => {
    const file = absolutePath(context.cwd, `${bundle}/config.json`);
    await writeNewFile(file, await exampleConfig(context, rootless));
    return 0;
  },
});

async function exampleConfig({ uid, gid }: RuntimeContext, rootless: boolean): Promise<string> {
  const { defaultConfig, stringifyConfig } = await import("../../../lib/spec/default-config.ts");
  return stringifyConfig(defaultConfig({ rootless, uid, gid, cgroupMode: await detectCgroupMode() }));
}

/** statfs(2): the type of a cgroup v2 hierarchy. */
const CGROUP2_SUPER_MAGIC = 0x63677270;

async function detectCgroupMode(): Promise<"legacy" | "unified"> {
  const { statfsSync } = await import("node:fs");
  try {
    return statfsSync("/sys/fs/cgroup").type === CGROUP2_SUPER_MAGIC ? "unified" : "legacy";
  } catch (error) {
    throw fileError("cannot examine /sys/fs/cgroup", error);
  }
}

async function writeNewFile(file: string, content: string): Promise<void> {
  const { existsSync, writeFileSync } = await import("node:fs");
  // runc's words.
  if (existsSync(file)) throw new ContainerError("already_exists", "File config.json exists. Remove it first");
  try {
    writeFileSync(file, content, { flag: "wx", mode: 0o666 });
  } catch (error) {
    throw fileError(`cannot write ${file}`, error);
  }
}
