import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { recordFailedOutcome, recordFailure } from "../failure.ts";
import type { EqualityCase } from "../flow.ts";
import type { Session } from "../session.ts";
import { moreErrorCases } from "./state-errors.ts";

/** A command that must fail: how it is arranged, its words, and the texts engines look for in its message. */
interface ErrorPlan {
  readonly name: string;
  readonly arrange?: (session: Session) => void;
  readonly words: (session: Session) => readonly string[];
  readonly mentions?: readonly string[];
}

function errorCase({ name, arrange, words, mentions = [] }: ErrorPlan): EqualityCase {
  return {
    name: `errors/${name}`,
    observe: async (session) => {
      session.config.process.args = ["/bin/true"];
      session.writeBundle();
      arrange?.(session);
      const outcome = await session.invoke(words(session));
      recordFailedOutcome(session, "failure", { outcome, mentions });
      // Some mistakes are seen by execve(2) only, which is after `create` has succeeded.
      if (outcome.status === 0 && words === create)
        await recordFailure(session, "start", { words: ["start", session.id] });
      session.recordOutcome("state after", await session.invoke(["state", session.id]));
      // What failed leaves nothing by itself; what did not fail after all is deleted first.
      if (outcome.status === 0) await session.invoke(["delete", "--force", session.id]);
      await session.recordLeftovers(0);
    },
  };
}

const create = (session: Session): readonly string[] => ["create", "--bundle", session.bundle, session.id];
const run = (session: Session): readonly string[] => ["run", "--bundle", session.bundle, session.id];

function configured(
  name: string,
  change: (session: Session) => void,
  mentions: readonly string[] = [],
): readonly EqualityCase[] {
  return [create, run].map((words) =>
    errorCase({
      name: `${name} (${words.name})`,
      words,
      mentions,
      arrange: (session) => {
        change(session);
        session.writeBundle();
      },
    }),
  );
}

function bundleErrors(): readonly EqualityCase[] {
  return [
    errorCase({
      name: "bundle is missing",
      words: ({ folder, id }) => ["create", "--bundle", join(folder, "nowhere"), id],
      mentions: ["no such file or directory"],
    }),
    errorCase({
      name: "config.json is missing",
      words: create,
      arrange: ({ bundle }) => rmSync(join(bundle, "config.json")),
    }),
    ...[
      ["config.json is empty", ""],
      ["config.json is broken", '{"ociVersion": "1.0.2", '],
      ["config.json is a list", "[]"],
      ["config.json has a wrong type", '{"ociVersion": "1.0.2", "process": {"args": "sh", "cwd": "/"}}'],
    ].map(([name = "", text = ""]) =>
      errorCase({ name, words: create, arrange: ({ bundle }) => writeFileSync(join(bundle, "config.json"), text) }),
    ),
    errorCase({
      name: "rootfs is missing",
      words: create,
      arrange: ({ rootfs }) => rmSync(rootfs, { recursive: true }),
      mentions: ["no such file or directory"],
    }),
    errorCase({
      name: "rootfs is a file",
      words: create,
      arrange: ({ rootfs }) => {
        rmSync(rootfs, { recursive: true });
        writeFileSync(rootfs, "");
      },
    }),
    ...configured("ociVersion is missing", ({ config }) => {
      config.ociVersion = "";
    }),
    ...configured("cwd is relative", ({ config }) => {
      config.process.cwd = "relative";
    }),
    ...configured("args are empty", ({ config }) => {
      config.process.args = [];
    }),
  ];
}

function executableErrors(): readonly EqualityCase[] {
  const named = (name: string, path: string, mentions: readonly string[]): readonly EqualityCase[] =>
    configured(
      name,
      ({ config }) => {
        config.process.args = [path];
      },
      mentions,
    );
  return [
    ...named("executable is missing", "/bin/missing", ["no such file or directory"]),
    ...named("executable is not on PATH", "missing", ["executable file not found in $PATH"]),
    ...named("executable is a folder", "/etc", []),
    ...configured(
      "executable is not executable",
      ({ config, rootfs }) => {
        chmodSync(join(rootfs, "etc/passwd"), 0o644);
        config.process.args = ["/etc/passwd"];
      },
      ["permission denied"],
    ),
    ...configured("interpreter is missing", ({ config, rootfs }) => {
      writeFileSync(join(rootfs, "script"), "#!/not/there\n", { mode: 0o755 });
      config.process.args = ["/script"];
    }),
    ...configured("executable is empty of sense", ({ config, rootfs }) => {
      writeFileSync(join(rootfs, "noise"), "\u0001\u0002noise", { mode: 0o755 });
      config.process.args = ["/noise"];
    }),
    ...configured("cwd is a file", ({ config }) => {
      config.process.cwd = "/etc/passwd";
    }),
    ...configured("cwd is closed to the user", ({ config, rootfs }) => {
      mkdirSync(join(rootfs, "closed"), { mode: 0o700 });
      config.process.cwd = "/closed";
      config.process.user = { uid: 1000, gid: 1000 };
    }),
  ];
}

/** Labels, groups and listeners that no host has. */
function processAttributeErrors(): readonly EqualityCase[] {
  return [
    ...configured(
      "AppArmor profile is missing",
      ({ config }) => {
        config.process["apparmorProfile"] = "no-such-profile";
      },
      ["/proc/self/attr/"],
    ),
    ...configured(
      "SELinux label is nonsense",
      ({ config }) => {
        config.process["selinuxLabel"] = "no-such-label";
      },
      ["selinux"],
    ),
    ...configured("mount label is nonsense", ({ config }) => {
      config.linux["mountLabel"] = "no-such-label";
    }),
    ...configured(
      "resctrl schema without resctrl",
      ({ config }) => {
        config.linux["intelRdt"] = { l3CacheSchema: "L3:0=0" };
      },
      ["intelRdt.l3CacheSchema is specified in config, but Intel RDT/CAT is not enabled"],
    ),
    ...configured("seccomp listener is missing", ({ config, folder }) => {
      const syscalls = [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }];
      config.linux["seccomp"] = {
        defaultAction: "SCMP_ACT_ALLOW",
        listenerPath: join(folder, "nobody.sock"),
        syscalls,
      };
    }),
    ...configured("seccomp notifies of write", ({ config, folder }) => {
      const syscalls = [{ names: ["write"], action: "SCMP_ACT_NOTIFY" }];
      config.linux["seccomp"] = {
        defaultAction: "SCMP_ACT_ALLOW",
        listenerPath: join(folder, "nobody.sock"),
        syscalls,
      };
    }),
  ];
}

function refusedConfigs(): readonly EqualityCase[] {
  return [
    ...configured("mount has an unknown option", ({ config }) => {
      config.mounts.push({ destination: "/t", type: "tmpfs", source: "tmpfs", options: ["nonsense=1"] });
    }),
    ...configured("mount has an unknown type", ({ config }) => {
      config.mounts.push({ destination: "/t", type: "nonsense", source: "nonsense" });
    }),
    ...configured(
      "bind source is missing",
      ({ config }) => {
        config.mounts.push({ destination: "/t", type: "bind", source: "/not/there", options: ["bind"] });
      },
      ["no such file or directory"],
    ),
    ...configured(
      "bind of a folder on a file",
      ({ config }) => {
        config.mounts.push({ destination: "/etc/passwd", type: "bind", source: "/etc", options: ["bind"] });
      },
      ["not a directory"],
    ),
    ...configured("mount into proc", ({ config }) => {
      config.mounts.push({ destination: "/proc/self", type: "tmpfs", source: "tmpfs" });
    }),
    ...configured("namespace twice", ({ config }) => {
      config.linux.namespaces.push({ type: "pid" });
    }),
    ...configured("namespace unknown", ({ config }) => {
      config.linux.namespaces.push({ type: "nonsense" });
    }),
    ...configured(
      "namespace path is missing",
      ({ config }) => {
        config.linux.namespaces.push({ type: "cgroup", path: "/not/there" });
      },
      ["no such file or directory"],
    ),
    ...configured("sysctl of the host", ({ config }) => {
      config.linux.sysctl = { "vm.swappiness": "10" };
    }),
    ...configured("sysctl without its namespace", ({ config }) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "network");
      config.linux.sysctl = { "net.ipv4.ip_forward": "1" };
    }),
    ...configured("hostname without uts namespace", ({ config }) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "uts");
    }),
    ...configured("rlimit unknown", ({ config }) => {
      config.process.rlimits = [{ type: "RLIMIT_NONSENSE", soft: 1, hard: 1 }];
    }),
    ...configured("rlimit twice", ({ config }) => {
      config.process.rlimits?.push({ type: "RLIMIT_NOFILE", soft: 1, hard: 1 });
    }),
    ...configured("propagation unknown", ({ config }) => {
      config.linux.rootfsPropagation = "nonsense";
    }),
    ...configured("seccomp action unknown", ({ config }) => {
      config.linux.seccomp = { defaultAction: "SCMP_ACT_NONSENSE" };
    }),
    ...configured("memory limit too small", ({ config }) => {
      config.linux.resources = { memory: { limit: 4096 } };
    }),
    ...configured("cpuset impossible", ({ config }) => {
      config.linux.resources = { cpu: { cpus: "4000" } };
    }),
    ...configured("device type unknown", ({ config }) => {
      config.linux.devices = [{ path: "/dev/x", type: "z", major: 1, minor: 1 }];
    }),
    ...configured("terminal without a console socket", ({ config }) => {
      config.process.terminal = true;
    }).slice(0, 1),
  ];
}

/** What must fail, and how it is said. */
export function errorCases(): readonly EqualityCase[] {
  return [
    ...bundleErrors(),
    ...executableErrors(),
    ...refusedConfigs(),
    ...processAttributeErrors(),
    ...moreErrorCases(),
  ];
}
