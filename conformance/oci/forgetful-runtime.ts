/**
 * A runtime that passes over what configs ask for, to show that the suite notices: `create` takes these properties out of
 * config.json. The runtime that does the rest is the first argument, its command the others.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FORGOTTEN: Readonly<Record<string, readonly string[]>> = {
  "": ["hooks", "hostname", "annotations"],
  root: ["readonly"],
  process: ["user", "rlimits", "oomScoreAdj", "noNewPrivileges", "capabilities"],
  linux: [
    "maskedPaths",
    "readonlyPaths",
    "seccomp",
    "sysctl",
    "devices",
    "resources",
    "rootfsPropagation",
    "personality",
  ],
};

function forget(path: string): void {
  const config = JSON.parse(readFileSync(path, "utf8")) as Record<string, Record<string, unknown>>;
  for (const [section, names] of Object.entries(FORGOTTEN)) {
    const object: Record<string, unknown> = section === "" ? config : (config[section] ?? {});
    for (const name of names) Reflect.deleteProperty(object, name);
  }
  writeFileSync(path, JSON.stringify(config));
}

const [runtime = "", ...words] = process.argv.slice(2);
const bundle = words[words.indexOf("--bundle") + 1] ?? "";
const config = join(bundle, "config.json");
if (words.includes("create") && existsSync(config)) forget(config);
const { exitCode } = Bun.spawnSync([runtime, ...words], {
  stdin: "inherit",
  stdout: "inherit",
  stderr: "inherit",
});
process.exitCode = exitCode;
