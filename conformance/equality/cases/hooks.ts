import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../harness/config.ts";
import { type EqualityCase, probeCase } from "../flow.ts";
import { flattenJson, normaliseState } from "../normalise.ts";
import type { Session } from "../session.ts";

const HOST_HOOKS = ["prestart", "createRuntime", "poststart", "poststop"];
const CONTAINER_HOOKS = ["startContainer"];

/** A hook that notes its turn, its arguments, its environment and what it reads. */
function noting(name: string, folder: string): { path: string; args: string[]; env: string[] } {
  const script = `echo "$0 $*" >>${folder}/order; cat >${folder}/${name}.state; env | sort | grep -v -e ^PWD -e ^SHLVL -e ^_= >${folder}/${name}.env; pwd >>${folder}/${name}.env`;
  return {
    path: "/bin/sh",
    args: ["sh", "-c", script, name, "two words"],
    env: ["PATH=/usr/bin:/bin", `HOOK=${name}`],
  };
}

function recordNotes(session: Session, where: string, folder: string): void {
  for (const file of existsSync(folder) ? readdirSync(folder).sort() : []) {
    const text = readFileSync(join(folder, file), "utf8");
    if (file.endsWith(".state")) session.record(`${where} ${file}`, normaliseState(flattenJson(text)));
    else if (file.endsWith(".env") || file === "order") session.record(`${where} ${file}`, text.trim().split("\n"));
  }
}

function inspect(session: Session): void {
  recordNotes(session, "host", session.scratch);
  recordNotes(session, "container", join(session.rootfs, "tmp"));
}

function allHooks(config: Config, session: Session): void {
  config.annotations = { "org.example.key": "value", "org.example.empty": "" };
  config.hooks = Object.fromEntries([
    ...HOST_HOOKS.map((name) => [name, [noting(name, session.scratch)]]),
    ...CONTAINER_HOOKS.map((name) => [name, [noting(name, "/tmp")]]),
  ]);
}

function failing(name: string): EqualityCase {
  return probeCase({
    name: `hooks/failing ${name}`,
    via: "create",
    configure: (config, session) => {
      const folder = name === "startContainer" ? "/tmp" : session.scratch;
      const bad = { path: "/bin/sh", args: ["sh", "-c", "echo told >&2; exit 3"] };
      config.hooks = { [name]: [noting("first", folder), bad, noting("never", folder)] };
    },
    inspect,
  });
}

/** config.md § POSIX-platform Hooks. */
export function hookCases(): readonly EqualityCase[] {
  return [
    probeCase({ name: "hooks/all through create", via: "create", configure: allHooks, inspect }),
    probeCase({ name: "hooks/all through run", configure: allHooks, inspect }),
    probeCase({
      name: "hooks/createContainer",
      configure: (config, session) => {
        config.hooks = { createContainer: [noting("createContainer", session.scratch)] };
      },
      inspect,
    }),
    probeCase({
      name: "hooks/startContainer without an environment",
      configure: (config) => {
        config.process.env = ["PATH=/bin", "OF=the program"];
        const script = "env | sort | grep -v -e ^PWD -e ^SHLVL -e ^_= -e ^HOME >/tmp/hook.env";
        config.hooks = { startContainer: [{ path: "/bin/sh", args: ["sh", "-c", script] }] };
      },
      inspect,
    }),
    ...["prestart", "createRuntime", "createContainer", "startContainer", "poststart"].map(failing),
    probeCase({
      name: "hooks/that takes too long",
      via: "create",
      configure: (config) => {
        config.hooks = { createRuntime: [{ path: "/bin/sleep", args: ["sleep", "20"], timeout: 1 }] };
      },
    }),
  ];
}
